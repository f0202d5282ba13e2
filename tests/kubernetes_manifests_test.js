// SPDX-License-Identifier: Apache-2.0
// Usage: NODE_PATH=tests/npm/node_modules node kubernetes_manifests_test.js SOURCE_DIR
// Every Kubernetes object in docs/ is one that the API server would take: of a
// kind that exists, with the fields that it must have, none that the schema
// does not know, and of the right types. Then the same with mistakes in it.
'use strict';
const fs = require('fs'), path = require('path'), YAML = require('yaml');
const docs = path.join(process.argv[2], 'docs');

// A value in whose objects is noted which fields were looked at.
function watched(value, at, unread) {
  if (value === null || typeof value !== 'object') return value;
  const inside = new Map();
  for (const key of Object.keys(value)) {
    const where = `${at}/${key.replaceAll('/', '~1')}`;
    unread.add(where);
    inside.set(key, {where, value: watched(value[key], where, unread)});
  }
  return new Proxy(value, {
    get(target, key) {
      const field = inside.get(key);
      if (field === undefined) return target[key];
      unread.delete(field.where);
      return field.value;
    }
  });
}

// The schema of a kind is a function that checks, and asks for each field that
// it knows: one that is never asked for is unknown.
function schemaProblems(object) {
  // The package still has kinds that Kubernetes has dropped.
  if (!/(^|\/)v\d+$/.test(object.apiVersion)) return [`${object.apiVersion} is not a stable version`];
  let model;
  try {
    model = require(`kubernetes-models/${object.apiVersion}/${object.kind}`)[object.kind];
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return [`there is no ${object.kind} in ${object.apiVersion}`];
  }
  const unread = new Set(), problems = [];
  try {
    model.prototype.validate.call(watched(object, '', unread));
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    for (const one of error.errors) problems.push(`${one.instancePath || '/'} ${one.message || one.keyword}`);
  }
  const parent = where => where.slice(0, where.lastIndexOf('/'));
  for (const where of unread) if (!unread.has(parent(where))) problems.push(`${where} is an unknown field`);
  return problems;
}

// What one field says of another, which no schema sees.
function referenceProblems(objects) {
  const problems = [], labels = {}, ports = new Set();
  const pods = objects.filter(object => object.spec && object.spec.template).map(object => object.spec.template);
  for (const pod of pods) {
    Object.assign(labels, pod.metadata && pod.metadata.labels);
    for (const container of pod.spec.containers) for (const port of container.ports || []) ports.add(port.name);
  }
  const walk = (value, at) => {
    if (value === null || typeof value !== 'object') return;
    for (const [key, inner] of Object.entries(value)) {
      const where = `${at}/${key}`;
      if ((key === 'port' || key === 'targetPort') && typeof inner === 'string' && !ports.has(inner)) problems.push(`${where}: no container has a port '${inner}'`);
      if (['selector', 'podSelector', 'labelSelector'].includes(key)) {
        for (const [label, wanted] of Object.entries(inner.matchLabels || inner)) if (labels[label] !== wanted) problems.push(`${where}: no pod has the label ${label}=${wanted}`);
      }
      walk(inner, where);
    }
  };
  if (pods.length > 0) objects.forEach(object => walk(object, object.kind));
  return problems;
}

function problemsOf(text) {
  const objects = [], problems = [];
  for (const document of YAML.parseAllDocuments(text)) {
    for (const error of [...document.errors, ...document.warnings]) problems.push(error.message);
    const object = document.toJS() || {};
    if (!object.apiVersion || !object.kind) problems.push('a document without apiVersion and kind');
    else objects.push(object);
  }
  for (const object of objects) problems.push(...schemaProblems(object).map(problem => `${object.kind} ${problem}`));
  return [...problems, ...(problems.length === 0 ? referenceProblems(objects) : [])];
}

let failed = false;
function report(what) {
  failed = true;
  console.log(what);
}

let objects = 0;
for (const name of fs.readdirSync(docs, {recursive: true}).map(String).sort()) {
  const text = !name.startsWith('compose') && /\.(yaml|yml|md)$/.test(name) ? fs.readFileSync(path.join(docs, name), 'utf8') : '';
  const blocks = name.endsWith('.md') ? [...text.matchAll(/^```ya?ml\n(.*?)^```$/gms)].map(match => match[1]) : [text];
  for (const block of blocks.filter(block => /^(apiVersion|kind):/m.test(block))) {
    objects += block.split(/^---$/m).length;
    for (const problem of problemsOf(block)) report(`docs/${name}: ${problem}`);
  }
}
if (objects < 5) report(`only ${objects} objects were found in docs/`);

const good = fs.readFileSync(path.join(docs, 'kubernetes', 'gatewhy.yaml'), 'utf8');
for (const [from, to, expected] of [
  ['readinessProbe:', 'readinesProbe:', 'Deployment /spec/template/spec/containers/0/readinesProbe is an unknown field'],
  ['replicas: 2', 'replicas: two', 'Deployment /spec/replicas must be integer'],
  ['cpu: 100m', 'cpu: 100x', 'cpu'],
  ['kind: PodDisruptionBudget', 'kind: PodDisruptionBudgt', 'there is no PodDisruptionBudgt in policy/v1'],
  ['apiVersion: policy/v1', 'apiVersion: policy/v1beta1', 'policy/v1beta1 is not a stable version'],
  ['  replicas: 2\n  selector:\n', '  replicas: 2\n  selektor:\n', 'must have required property selector'],
  ['maxSurge: 1', 'maxSurge: 1, maxSurge: 2', 'unique'],
  ['targetPort: http}', 'targetPort: htp}', "no container has a port 'htp'"],
  ['  podSelector:\n    matchLabels: {app.kubernetes.io/name: gatewhy}', '  podSelector:\n    matchLabels: {app.kubernetes.io/name: other}', 'no pod has the label'],
]) {
  if (!good.includes(from)) report(`the manifest has no '${from}' any more to break`);
  const problems = problemsOf(good.replace(from, to));
  if (!problems.some(problem => problem.includes(expected))) report(`'${to}' should be refused with '${expected}', but: ${problems.join('; ') || 'is not'}`);
}
console.log(failed ? 'failed' : `ok: ${objects} objects`);
process.exit(failed ? 1 : 0);
