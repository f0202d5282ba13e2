// SPDX-License-Identifier: Apache-2.0
// The live page: polls what changes slowly, gets failures as they happen.
// Everything shown is text of its own element: paths and names come from
// strangers.
'use strict';

const kPollMs = 5000, kKept = 500, kShown = 100, kShownOnPhones = 25;
const kPhases = ['resolve', 'connect', 'tls_handshake', 'send', 'wait', 'receive'];
const kPhaseNames = {resolve: 'resolve', connect: 'connect', tls_handshake: 'TLS handshake', send: 'send', wait: 'wait', receive: 'receive', exchange: 'exchange'};
// Where a diagnosis' phase lies on the time line.
const kTimingOfPhase = {dns: 'resolve', connect: 'connect', tls_handshake: 'tls_handshake', request_write: 'send', response_head: 'wait', response_body: 'receive', upgrade: 'receive'};

const state = {causes: new Map(), grpc: [], origins: [], failures: [], history: null, status: null, before: null, paused: false, waiting: 0, cause: '*', origin: '*', live: false};
const kNarrow = window.matchMedia('(max-width: 720px)');
const $ = id => document.getElementById(id);

// ---- making elements ----------------------------------------------------

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === undefined || value === null) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : name === 'title' || name === 'aria-label' ? visible(String(value), 1000) : visible(String(value)));
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== '').map(child => child instanceof Node ? child : visible(String(child))));
  return element;
}
// What a stranger wrote must neither turn the text around it, nor hide, nor fill the page.
const kLongest = 20000, kLongestEvent = 200000;
function visible(text, most = kLongest) {
  const shown = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e01ef}]/gu,
    mark => `\\u{${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}}`);
  return shown.length > most ? `${shown.slice(0, most)}… (${number(shown.length)} characters)` : shown;
}
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

// ---- words and numbers --------------------------------------------------

const number = n => n.toLocaleString('en', {maximumFractionDigits: n < 10 ? 1 : 0});
const plural = (n, one) => `${number(n)} ${one}${n === 1 ? '' : 's'}`;
const clock = time => new Date(time).toLocaleTimeString([], {hourCycle: 'h23'});
const clockShort = time => new Date(time).toLocaleTimeString([], {hourCycle: 'h23', hour: '2-digit', minute: '2-digit'});
// Three digits: rounding must not undo what the histogram knows.
const digits = n => n >= 100 ? String(Math.round(n)) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
function duration(ms) {
  if (ms === undefined) return '';
  if (ms < 1) return `${digits(ms * 1000)} µs`;
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}
function span(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}
const share = part => part === 0 ? '0 %' : part < 0.001 ? 'under 0.1 %' : `${number(100 * part)} %`;
const words = name => name.replaceAll('_', ' ');
// A cause's name where there may be little room: it breaks behind an underscore.
const breakable = name => name.split(/(?<=_)/).flatMap((part, i) => i === 0 ? [part] : [document.createElement('wbr'), part]);
const isClients = cause => (state.causes.get(cause) || {}).blame === 'client';
const originName = name => name || 'answered by gatewhy';

// ---- header -------------------------------------------------------------

function renderState() {
  const pills = [];
  const readiness = state.status && state.status.readiness;
  if (readiness) pills.push(h('span', {class: 'pill ' + (readiness === 'ready' ? 'good' : 'bad')}, readiness));
  pills.push(state.live ? h('span', {class: 'pill good'}, 'live') : h('span', {class: 'pill wait'}, readiness ? 'reconnecting' : 'connecting'));
  if (state.status && !state.status.config.last_reload_successful) pills.push(h('span', {class: 'pill bad'}, 'last reload refused'));
  if (state.status && state.status.log.dropped > 0) pills.push(h('span', {class: 'pill bad'}, `log dropped ${plural(state.status.log.dropped, 'line')}`));
  const text = pills.map(pill => pill.textContent).join();
  if ($('state').dataset.text !== text) {  // a status region that is rewritten is read out again
    $('state').dataset.text = text;
    $('state').replaceChildren(...pills);
  }
}

function renderVitals() {
  const status = state.status;
  const now = {at: Date.now(), exchanges: 0, failures: 0};
  for (const origin of state.origins) { now.exchanges += origin.exchanges; now.failures += origin.failures; }
  if (!state.before || now.at - state.before.at > 20000 || now.exchanges < state.before.exchanges) state.before = now;
  const seconds = (now.at - state.before.at) / 1000;
  const entries = [];
  if (seconds > 1) {
    const requests = now.exchanges - state.before.exchanges, failed = now.failures - state.before.failures;
    entries.push(['requests', `${number(requests / seconds)}/s`]);
    entries.push(['failing', requests > 0 ? share(failed / requests) : 'none']);
  }
  entries.push(['clients', number(status.client_connections)], ['in flight', number(status.exchanges_in_flight)],
               ['up', span((Date.parse(status.now) - Date.parse(status.started)) / 1000)]);
  $('vitals').replaceChildren(...entries.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
  $('about').textContent = `gatewhy ${status.version} · ${status.config.source} · ${plural(status.workers, 'worker')} ·`;
}

// ---- faults over time ---------------------------------------------------

const columns = () => kNarrow.matches ? 30 : 60;

function gather(counts) {
  const per = counts.length / columns();
  return Array.from({length: columns()}, (_, i) => counts.slice(i * per, (i + 1) * per).reduce((a, b) => a + b, 0));
}
const sum = list => list.reduce((a, b) => a + b, 0);

function strip(values, kind) {
  const most = Math.max(1, ...values), wide = 10 * values.length;
  const cells = values.map((value, i) => {
    if (kind === 'flow') {
      const tall = value === 0 ? 1 : 3 + 21 * value / most;
      return svg('rect', {class: value === 0 ? 'cell' : 'flow', x: 10 * i + 1, y: 24 - tall, width: 8, height: tall});
    }
    // Few and many must both be seen: the shade goes with the logarithm.
    const shade = value === 0 ? undefined : (0.35 + 0.65 * Math.log1p(value) / Math.log1p(Math.max(most, 10))).toFixed(2);
    return svg('rect', {class: value === 0 ? 'cell' : 'hit', x: 10 * i + 1, y: 1, width: 8, height: 16, rx: 1.5, 'fill-opacity': shade});
  });
  return svg('svg', {viewBox: `0 0 ${wide} ${kind === 'flow' ? 24 : 18}`, preserveAspectRatio: 'none', 'aria-hidden': 'true'}, cells);
}

function lastSeen(values) {
  for (let i = values.length - 1; i >= 0; --i) if (values[i] > 0) return Date.parse(state.history.first) + i * state.history.step_s * 1000;
  return undefined;
}

function matrixRow(origin, cause, counts) {
  const pressed = state.cause === cause && state.origin === (origin.name || '');
  const total = sum(counts);
  const label = `${cause} at ${originName(origin.name)}: ${plural(total, 'failure')}, the last at ${clockShort(lastSeen(counts))}`;
  return h('button', {type: 'button', class: 'row' + (isClients(cause) ? ' client' : ''), 'aria-pressed': String(pressed), 'aria-label': label, title: label,
                      'data-key': `${origin.name || ''} ${cause}`, onclick: () => choose(pressed ? '*' : origin.name || '', pressed ? '*' : cause)},
           h('span', {class: 'name'}, breakable(cause)), strip(gather(counts), 'hit'), h('span', {class: 'count'}, number(total)));
}

function renderMatrix() {
  const history = state.history, focused = document.activeElement && document.activeElement.dataset.key;
  const groups = [];
  for (const origin of history.origins) {
    const causes = Object.entries(origin.causes).sort((a, b) => sum(b[1]) - sum(a[1]));
    const exchanges = sum(origin.exchanges);
    if (exchanges === 0) continue;
    groups.push({failures: sum(causes.map(([, counts]) => sum(counts))), element: h('div', {class: 'group', role: 'listitem'},
      h('div', {class: 'row traffic', title: `${plural(exchanges, 'request')} in the last hour`},
        h('span', {class: 'name'}, originName(origin.name)), strip(gather(origin.exchanges), 'flow'),
        h('span', {class: 'count'}, number(exchanges))),
      causes.map(([cause, counts]) => matrixRow(origin, cause, counts)))});
  }
  groups.sort((a, b) => b.failures - a.failures);
  const first = Date.parse(history.first), length = history.step_s * 120 * 1000;
  const axis = h('div', {class: 'axis', 'aria-hidden': 'true'}, h('span'),
    h('span', {class: 'times'}, [0, 1 / 3, 2 / 3].map(part => h('span', {}, clockShort(first + part * length))), h('span', {}, 'now')), h('span'));
  $('column-length').textContent = columns() === 60 ? 'a minute' : 'two minutes';
  const heading = h('div', {class: 'axis heading', 'aria-hidden': 'true'}, h('span', {}, 'origin, its causes'), h('span'), h('span', {class: 'count'}, 'requests, failures'));
  if (groups.length > 0) groups.unshift({element: heading});
  $('matrix').replaceChildren(...(groups.length === 0 ? [h('p', {class: 'empty', role: 'listitem'}, 'No traffic in the last hour.')] : [...groups.map(group => group.element), axis]));
  if (focused) for (const row of $('matrix').querySelectorAll('button')) if (row.dataset.key === focused) row.focus();
}

// The heaviest faults of the last quarter of an hour, clients' last.
function renderAdvice() {
  const recent = [], steps = 30;
  for (const origin of state.history.origins) {
    for (const [cause, counts] of Object.entries(origin.causes)) {
      const count = sum(counts.slice(-steps));
      if (count > 0) recent.push({origin: origin.name, cause, count, seen: lastSeen(counts), minor: isClients(cause)});
    }
  }
  recent.sort((a, b) => a.minor - b.minor || b.count - a.count);
  const items = recent.slice(0, 3).map(fault => {
    const row = state.causes.get(fault.cause) || {};
    return h('li', {class: fault.minor ? 'minor' : false}, h('h3', {}, `${originName(fault.origin)}: `, breakable(fault.cause)),
             h('p', {}, row.check_first), h('p', {class: 'who'}, `${plural(fault.count, 'failure')} in 15 minutes, the last at ${clockShort(fault.seen)}. Who should act: ${lowerFirst(row.who_acts || '')}`));
  });
  if (recent.length > 3) items.push(h('li', {class: 'empty'}, h('a', {href: '#matrix-title'}, `${recent.length - 3} more`)));
  $('advice').replaceChildren(...(items.length > 0 ? items : [h('li', {class: 'empty'}, 'Nothing has failed in the last 15 minutes.')]));
}
const lowerFirst = text => text.slice(0, 1).toLowerCase() + text.slice(1);

// ---- origins ------------------------------------------------------------

// Logarithmic, from 0.1 ms to a minute.
const place = ms => Math.max(0, Math.min(1, Math.log10(Math.max(ms, 0.1) / 0.1) / Math.log10(600000)));
const phaseClass = phase => phase === 'wait' ? 'wait-phase' : phase;

function latency(origin) {
  const rows = ['exchange', ...kPhases].filter(phase => origin.latency_ms[phase]);
  if (rows.length === 0) return h('p', {class: 'hint'}, 'No requests in the last five minutes.');
  const at = ms => (4 + 292 * place(ms)).toFixed(1);
  return h('div', {class: 'latency'}, h('div', {class: 'title'}, h('span', {}, 'latency of the last five minutes'), h('span', {}, 'p50 – p99')), rows.map(phase => {
    const seen = origin.latency_ms[phase];
    const label = `${kPhaseNames[phase]}: p50 ${duration(seen.p50)}, p90 ${duration(seen.p90)}, p99 ${duration(seen.p99)}, ${plural(seen.count, 'time')}`;
    return [h('span', {}, kPhaseNames[phase]),
            svg('svg', {viewBox: '0 0 300 10', preserveAspectRatio: 'none', role: 'img', 'aria-label': label}, svg('title', {}, label),
                svg('line', {class: 'rail', x1: 0, x2: 300, y1: 5, y2: 5}),
                svg('line', {class: `span ${phaseClass(phase)}`, x1: at(seen.p50), x2: at(seen.p99), y1: 5, y2: 5}),
                svg('ellipse', {class: `dot ${phaseClass(phase)}`, cx: at(seen.p50), cy: 5, rx: 3.5, ry: 4})),
            h('span', {class: 'ms'}, `${duration(seen.p50)} – ${duration(seen.p99)}`)];
  }));
}

function expiry(time) {
  const left = (Date.parse(time) - Date.now()) / 1000;
  const text = left < 0 ? `expired ${span(-left)} ago` : `${span(left)} left`;
  return h('span', {class: left < 86400 ? 'over' : left < 30 * 86400 ? 'soon' : false, title: time}, text);
}

// What came of an origin's requests in the last five minutes, without what clients did wrong.
function recentOf(name) {
  const found = ((state.history || {}).origins || []).find(origin => origin.name === name), steps = 10;
  if (!found) return {requests: 0, failures: 0};
  const failures = Object.entries(found.causes).filter(([cause]) => !isClients(cause)).map(([, counts]) => sum(counts.slice(-steps)));
  return {requests: sum(found.exchanges.slice(-steps)), failures: sum(failures)};
}

// "up" is only said of what has answered.
function originState({requests, failures}, {endpoints}) {
  if (requests === 0) return ['idle', 'no traffic'];
  const part = failures / requests, troubled = endpoints.filter(isTroubled).length;
  if (part >= 0.05) return ['bad', `failing ${share(part)}`];
  if (part > 0) return ['wait', `${share(part)} failing`];
  return troubled > 0 ? ['wait', `${troubled} of ${plural(endpoints.length, 'endpoint')} in trouble`] : ['good', 'up'];
}

// Words of the admin API: what is out of use, and what fails without its clients seeing it.
const hostsOut = endpoint => (endpoint.hosts || []).filter(host => host.state !== 'in_use');
const isTroubled = endpoint => ['ejected', 'down_by_check', 'failing'].includes(endpoint.state) || hostsOut(endpoint).length > 0;
const kStateKinds = {up: 'good', no_traffic: 'idle', drained: 'idle', ejected: 'bad', down_by_check: 'bad', failing: 'bad'};

function endpointState(endpoint) {
  const {answered, failed} = endpoint.recent, part = failed > 0 ? failed / (answered + failed) : 0;
  let kind = kStateKinds[endpoint.state] || 'wait', text = words(endpoint.state);
  if (endpoint.state === 'failing') text = `failing ${share(part)}`;
  else if (endpoint.state === 'up' && part > 0) [kind, text] = ['wait', `${share(part)} failing`];
  else if (endpoint.ejected_for_ms !== undefined) text = `${text} for ${span(endpoint.ejected_for_ms / 1000)}`;
  return h('span', {class: 'pill ' + kind}, text);
}

const kLessons = {closed: 'seen', said: 'it says so', stale: 'by requests that found them closed'};

// The page changes nothing: who wants to says it to gatewhy.
const drainCommand = (origin, endpoint) => `gatewhy endpoint ${endpoint.state === 'drained' ? 'ready' : 'drain'} ${origin.name} ${endpoint.url}`;

// A row of its own, below the endpoint's: why it is out, what retries saved from it, which no client has seen, and when it failed last.
function endpointTrouble(origin, endpoint, columns) {
  const rescued = Object.entries(endpoint.rescued).sort((a, b) => b[1] - a[1]), last = endpoint.last_failure;
  const parts = rescued.map(([cause, count]) => [`${number(count)} rescued from `, breakable(cause)]);
  if (endpoint.cause) parts.unshift([`${words(endpoint.state)} after `, breakable(endpoint.cause)]);
  if (last) parts.push([`last failure at ${clock(last.timestamp)}: `, breakable(last.cause), last.rescued ? ' (rescued)' : '']);
  if (endpoint.hosts) {
    const out = hostsOut(endpoint).map(host => `${host.address} ${words(host.state)}${host.cause ? ` after ${host.cause}` : ''}`);
    parts.unshift([`${endpoint.hosts.length} addresses${out.length > 0 ? ': ' : ', all in use'}`, out.join(', ')]);
  }
  const keep = endpoint.keep_alive;
  if (keep && keep.limit_ms !== undefined) parts.push([`closes idle connections after ${duration(keep.limit_ms)} (${kLessons[keep.learned_from] || keep.learned_from}); reused up to ${duration(keep.timeout_ms)}`]);
  if (endpoint.state === 'drained') parts.push(['to use it again: ', h('code', {}, drainCommand(origin, endpoint))]);
  else if (isTroubled(endpoint)) parts.push(['to take it out of use: ', h('code', {}, drainCommand(origin, endpoint))]);
  if (parts.length === 0) return '';
  const title = last ? `request id ${last.request_id}` : false;
  return h('tr', {class: 'trouble'}, h('td', {colspan: columns, title}, parts.map(part => h('span', {}, part))));
}

function originCard(origin, recent) {
  const tls = origin.endpoints.some(endpoint => endpoint.certificate), [kind, text] = originState(recent, origin);
  return h('article', {class: 'origin'},
    h('h3', {}, origin.name, h('span', {class: 'pill ' + kind}, text), h('span', {class: 'sums'}, `${plural(origin.exchanges, 'request')}, ${plural(origin.failures, 'failure')}${origin.waiting ? `, ${number(origin.waiting)} waiting` : ''}`)),
    h('div', {class: 'scroll'}, h('table', {}, h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'endpoint'), h('th', {scope: 'col'}, 'state'), h('th', {scope: 'col', class: 'number', title: 'connections (busy + idle)'}, 'busy + idle'), tls ? h('th', {scope: 'col'}, 'certificate') : '')),
      h('tbody', {}, origin.endpoints.map(endpoint => [h('tr', {}, h('td', {class: 'url', title: drainCommand(origin, endpoint)}, endpoint.url, endpoint.backup ? ' (backup)' : ''), h('td', {}, endpointState(endpoint)),
        h('td', {class: 'number'}, `${endpoint.connections.in_use} + ${endpoint.connections.idle}`), tls ? h('td', {}, endpoint.certificate ? expiry(endpoint.certificate.not_after) : '') : ''),
        endpointTrouble(origin, endpoint, tls ? 4 : 3)])))),
    latency(origin));
}

// Those that fail come first, the worst of them at the top; those that are well are folded where there are many.
function renderOrigins() {
  const badness = ({requests, failures}) => requests === 0 ? -1 : failures / requests;
  const troubled = origin => origin.endpoints.some(isTroubled);
  const all = state.origins.map(origin => ({origin, recent: recentOf(origin.name)}));
  all.sort((a, b) => troubled(b.origin) - troubled(a.origin) || badness(b.recent) - badness(a.recent));
  const kUnfolded = 6, bad = all.filter(({origin, recent}) => troubled(origin) || recent.failures > 0);
  const cards = list => list.map(({origin, recent}) => originCard(origin, recent));
  if (all.length <= kUnfolded) {
    $('origins').replaceChildren(...cards(all));
    return;
  }
  const folded = document.querySelector('#origins details.well'), well = all.slice(bad.length);
  $('origins').replaceChildren(...cards(bad), well.length === 0 ? '' : h('details', {class: 'well', open: folded !== null && folded.open},
    h('summary', {}, `${plural(well.length, 'origin')} without failures in the last five minutes`), h('div', {class: 'cards'}, cards(well))));
}

function renderCertificates() {
  const list = state.status.certificates;
  $('certificates-section').hidden = list.length === 0;
  $('certificates').replaceChildren(
    h('thead', {}, h('tr', {}, ['listener', 'file', 'names', 'expires'].map(name => h('th', {scope: 'col'}, name)))),
    h('tbody', {}, list.map(one => h('tr', {}, h('td', {}, one.listener), h('td', {}, one.file), h('td', {}, one.names.join(', ') || one.subject || ''), h('td', {}, one.not_after ? expiry(one.not_after) : '')))));
}

// ---- one failure --------------------------------------------------------

function legs(event) {
  const diagnosis = event.diagnosis, phase = diagnosis.phase;
  const client = phase === 'client_request' || event.outcome === 'aborted';
  const inside = !client && (phase === 'routing' || phase === 'internal');
  const reached = event.endpoint !== undefined;
  const what = diagnosis.cause;
  const leg = (broken, used) => h('div', {class: 'leg' + (broken ? ' broken' : used ? '' : ' idle')}, broken ? h('small', {}, breakable(what)) : '');
  const node = (name, below, broken) => h('div', {class: 'node' + (broken ? ' broken' : '')}, h('span', {class: 'box'}, name), h('small', {}, below));
  return h('div', {class: 'legs', role: 'img', 'aria-label': `client – gatewhy – origin: it broke ${client ? 'between client and gatewhy' : inside ? 'in gatewhy' : 'between gatewhy and origin'}`},
    node('client', event.client && event.client.address), leg(client, true),
    node('gatewhy', inside ? what : event.route !== undefined ? `route ${event.route}` : '', inside), leg(!client && !inside, reached),
    node(event.origin || 'origin', (event.peer && event.peer.address) || event.endpoint || ''));
}

// What a try spoke to the origin.
function spoken(one) {
  const version = ((one.peer || {}).protocol || {}).version, stream = ((one.diagnosis || {}).evidence || {}).stream;
  return stream !== undefined ? `, stream ${stream} of HTTP/2` : version ? `, by HTTP/${version}` : '';
}

// What each try spent its time on, on one scale.
function timeline(event) {
  const tries = event.tries || (event.endpoint !== undefined ? [{endpoint: event.endpoint, peer: event.peer, connection_reused: event.connection_reused, timings: event.timings, diagnosis: event.diagnosis}] : []);
  if (tries.length === 0) return null;
  const parts = tries.map(one => {
    const timings = {...(one.timings || {})}, diagnosis = one.diagnosis;
    const at = diagnosis && kTimingOfPhase[diagnosis.phase];
    if (at && timings[at] === undefined && diagnosis.evidence.elapsed_ms !== undefined) timings[at] = diagnosis.evidence.elapsed_ms;
    return kPhases.filter(phase => timings[phase] !== undefined).map(phase => ({phase, ms: timings[phase]}));
  });
  const longest = Math.max(0.001, ...parts.map(list => sum(list.map(part => part.ms))));
  const used = new Set();
  const rows = tries.map((one, i) => {
    let x = 0;
    const bars = parts[i].map(({phase, ms}) => {
      used.add(phase);
      const width = Math.max(2, 996 * ms / longest), bar = svg('rect', {class: `bar ${phaseClass(phase)}`, x, y: 3, width, height: 10}, svg('title', {}, `${kPhaseNames[phase]} ${duration(ms)}`));
      x += width;
      return bar;
    });
    const total = sum(parts[i].map(part => part.ms));
    const label = parts[i].map(part => `${kPhaseNames[part.phase]} ${duration(part.ms)}`).join(', ') || 'no time was spent';
    return h('div', {class: 'try'}, h('span', {class: 'where'}, (one.peer && one.peer.address) || one.endpoint, one.connection_reused ? ' (reused)' : '', spoken(one)),
      svg('svg', {viewBox: '0 0 1000 16', preserveAspectRatio: 'none', role: 'img', 'aria-label': label}, bars, one.diagnosis ? svg('line', {class: 'end', x1: Math.min(x + 1, 999), x2: Math.min(x + 1, 999), y1: 0, y2: 16, 'vector-effect': 'non-scaling-stroke'}) : ''),
      h('span', {class: 'number'}, duration(total)),
      tries.length > 1 ? h('span', {class: 'why'}, one.diagnosis ? one.diagnosis.summary : 'worked') : '');
  });
  return h('div', {}, h('div', {class: 'columns'}, h('h4', {}, tries.length > 1 ? `${tries.length} tries` : 'timeline')), h('div', {class: 'tries'}, rows),
    h('p', {class: 'legend'}, kPhases.filter(phase => used.has(phase)).map(phase => h('span', {}, svg('svg', {viewBox: '0 0 9 9', 'aria-hidden': 'true'}, svg('rect', {class: `bar ${phaseClass(phase)}`, width: 9, height: 9, rx: 2})), kPhaseNames[phase]))));
}

// A value of the evidence in lines: of an object its entries, of a list its elements.
function lines(value) {
  const flat = part => part === null || typeof part !== 'object' ? String(part) : Object.entries(part).map(([name, inner]) => `${name} ${flat(inner)}`).join(', ');
  if (Array.isArray(value)) return value.map(flat).join('\n');
  return value === null || typeof value !== 'object' ? String(value) : Object.entries(value).map(([name, inner]) => `${name} ${flat(inner)}`).join('\n');
}

function facts(pairs) {
  return h('dl', {class: 'evidence'}, pairs.filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => [h('dt', {}, name), h('dd', {}, lines(value))]));
}

function story(event) {
  const diagnosis = event.diagnosis, row = state.causes.get(diagnosis.cause) || {};
  const http = event.http || {}, request = http.request || {}, response = http.response || {};
  return h('div', {class: 'story'}, legs(event), h('p', {}, diagnosis.summary),
    row.check_first ? h('div', {class: 'act'}, h('p', {}, h('b', {}, 'Check first: '), row.check_first), h('p', {}, h('b', {}, 'Who should act: '), row.who_acts)) : '',
    event.request_id ? tools(event.request_id) : '', timeline(event),
    h('div', {class: 'columns'},
      h('div', {}, h('h4', {}, 'evidence'), facts(Object.entries(diagnosis.evidence || {}).map(([name, value]) => [words(name), value]))),
      h('div', {}, h('h4', {}, 'request'), facts([['request id', event.request_id], ['trace id', event.trace_id], ['began', event.timestamp],
        ['request', request.method && `${request.method} ${event.url && event.url.path || ''}${event.url && event.url.query ? '?' + event.url.query : ''}`],
        ['host', event.server && event.server.address], ['client', event.client && event.client.address], ['sent to the client', response.status_code ? `${response.status_code}, by ${event.generated_by}` : 'nothing'],
        ['origin said', event.origin_status], ['gRPC status', grpcText(event)], ['gRPC message', ((event.rpc || {}).grpc || {}).status_message], ['standard status', diagnosis.standard_status], ['retry', diagnosis.retry && words(diagnosis.retry)], ['total', duration(event.timings && event.timings.total)]]))),
    raw(event));
}

// What one sends to a colleague, and what one pastes into a shell.
function tools(id) {
  const command = `gatewhy why ${id}`;
  const copy = h('button', {type: 'button', class: 'copy', onclick: () => navigator.clipboard.writeText(command).then(() => { copy.textContent = 'copied'; }, () => window.getSelection().selectAllChildren(code))}, 'copy');
  const code = h('code', {}, command);
  return h('p', {class: 'tools'}, code, ' ', copy, ' ', h('a', {href: `#request=${encodeURIComponent(id)}`}, 'link to this failure'));
}

function raw(event) {
  const pre = h('pre', {tabindex: '0'});
  return h('details', {class: 'raw', ontoggle: () => { pre.textContent = visible(JSON.stringify(event, null, 2), kLongestEvent); }}, h('summary', {}, 'the logged event'), pre);
}

// "14 UNAVAILABLE", of a call of gRPC.
function grpcText(event) {
  const call = (event.rpc || {}).grpc;
  return call && `${call.status_code} ${state.grpc[call.status_code] || ''}`;
}

function failure(event) {
  const call = grpcText(event);
  const diagnosis = event.diagnosis || {cause: call ? `gRPC ${call}` : 'unknown', evidence: {}, phase: call ? 'response_head' : 'internal', summary: call ? 'The origin itself ended the call so.' : ''}, response = (event.http || {}).response || {};
  const request = (event.http || {}).request || {};
  const element = h('details', {class: 'failure' + (diagnosis.blame === 'client' ? ' client' : ''), id: `event-${event.id}`}, h('summary', {},
    h('span', {class: 'time', title: event.timestamp}, clock(event.timestamp)), h('span', {class: 'code'}, response.status_code || diagnosis.status || '–'),
    h('span', {class: 'cause'}, breakable(diagnosis.cause), h('small', {}, event.origin ? ` at ${event.origin}` : '')),
    h('span', {class: 'request'}, request.method ? `${request.method} ${(event.server && event.server.address) || ''}${(event.url && event.url.path) || ''}` : 'no request'),
    h('span', {class: 'total'}, duration(event.timings && event.timings.total))));
  element.addEventListener('toggle', () => {
    if (element.open && element.children.length === 1) element.append(story({...event, diagnosis}));
  });
  return element;
}

// ---- the list of failures -----------------------------------------------

function wanted(event) {
  const diagnosis = event.diagnosis || {}, text = $('by-text').value.trim();
  return (state.origin === '*' || (event.origin || '') === state.origin) && (state.cause === '*' || diagnosis.cause === state.cause) &&
    !($('no-clients').checked && diagnosis.blame === 'client') &&
    (text === '' || (event.request_id || '').includes(text) || ((event.url || {}).path || '').includes(text));
}

// At most `most` of a list that has the newest first. Where it is longer, each cause per origin keeps its newest
// ones, equally many, so that a flood of one failure does not hide the others.
function shares(failures, most) {
  if (failures.length <= most) return failures;
  const kind = event => `${event.origin || ''} ${(event.diagnosis || {}).cause || ''}`, sizes = new Map();
  for (const event of failures) sizes.set(kind(event), (sizes.get(kind(event)) || 0) + 1);
  let room = most, kinds = sizes.size, each = 0;
  for (const size of [...sizes.values()].sort((a, b) => a - b)) {
    each = Math.max(1, Math.ceil(room / kinds));
    room -= Math.min(size, each);
    kinds -= 1;
  }
  const taken = new Map();
  return failures.filter(event => {
    const number = (taken.get(kind(event)) || 0) + 1;
    taken.set(kind(event), number);
    return number <= each;
  }).slice(0, most);
}

function renderChoices() {
  const choices = (select, names, text) => {
    const chosen = select.value, list = ['*', ...names];
    if (list.join('\n') === select.dataset.list) return;
    select.dataset.list = list.join('\n');
    select.replaceChildren(...list.map(name => h('option', {value: name}, name === '*' ? 'all' : text(name))));
    select.value = list.includes(chosen) ? chosen : '*';
  };
  const origins = new Set(state.origins.map(origin => origin.name)), causes = new Set();
  for (const event of state.failures) {
    origins.add(event.origin || '');
    if (event.diagnosis) causes.add(event.diagnosis.cause);
  }
  for (const origin of (state.history || {origins: []}).origins) for (const cause of Object.keys(origin.causes)) causes.add(cause);
  choices($('by-origin'), [...origins].sort(), originName);
  choices($('by-cause'), [...causes].sort(), cause => cause);
  $('by-origin').value = state.origin;
  $('by-cause').value = state.cause;
}

// Elements that are there already stay, so that what is open stays open.
function renderList() {
  if (state.paused) {
    $('news').textContent = state.waiting > 0 ? `Paused; ${plural(state.waiting, 'new failure')}.` : 'Paused.';
    return;
  }
  renderChoices();
  const most = kNarrow.matches ? kShownOnPhones : kShown, shown = shares(state.failures.filter(wanted), most);
  const list = $('list'), keep = new Map([...list.children].map(child => [child.id, child]));
  if (shown.length === 0) {
    list.replaceChildren(h('p', {class: 'empty'}, state.failures.length === 0 ? 'No failures yet.' : 'No recent failure matches the filter.'));
  } else {
    const elements = shown.map(event => keep.get(`event-${event.id}`) || failure(event));
    const open = [...keep.values()].filter(child => child.open && !elements.includes(child) && child.contains(document.activeElement));
    const focus = document.activeElement;
    list.replaceChildren(...elements, ...open);
    if (focus && list.contains(focus)) focus.focus({preventScroll: true});
  }
  $('news').textContent = shown.length === most ? `The list shows ${most} failures: the newest of each cause per origin.` : '';
}

function choose(origin, cause) {
  state.origin = origin;
  state.cause = cause;
  renderChoices();
  renderList();
  renderMatrix();
}

let pending = false;
function soon(render) {
  if (!pending) {
    pending = true;
    setTimeout(() => { pending = false; render(); }, 250);
  }
}

function onFailure(event) {
  state.failures.unshift(event);
  if (state.failures.length >= 2 * kKept) state.failures = shares(state.failures, kKept);
  state.waiting += state.paused ? 1 : 0;
  soon(renderList);
}

// ---- talking to the daemon ----------------------------------------------

async function get(path) {
  const response = await fetch(path, {headers: {Accept: 'application/json'}, cache: 'no-store'});
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

async function poll() {
  if (document.hidden && state.status) return;
  try {
    [state.status, {origins: state.origins}, state.history] = await Promise.all([get('/api/v1/status'), get('/api/v1/origins'), get('/api/v1/history')]);
    renderVitals();
    renderMatrix();
    renderAdvice();
    renderOrigins();
    renderCertificates();
    renderChoices();
  } catch (error) {
    state.live = false;
  }
  renderState();
}

function follow(since) {
  const source = new EventSource(`/api/v1/events/stream?since=${since}`);
  source.addEventListener('open', () => { state.live = true; renderState(); });
  source.addEventListener('error', () => { state.live = false; renderState(); });
  source.addEventListener('failure', message => onFailure(JSON.parse(message.data)));
  source.addEventListener('gap', message => { $('news').textContent = `${plural(JSON.parse(message.data).missed, 'failure')} came too fast to be shown; the log has them.`; });
}

async function begin() {
  const tables = await get('/api/v1/causes');
  for (const cause of tables.causes) state.causes.set(cause.cause, cause);
  state.grpc = tables.grpc_statuses;
  const events = await get('/api/v1/events?limit=2000');
  state.failures = shares(events.events.reverse(), kKept);
  await poll();
  renderList();
  follow(events.next);
  setInterval(poll, kPollMs);
  await followLink();
}

// #request=ID: that failure alone, open; asked for where it is no longer in the list.
async function followLink() {
  const id = location.hash.startsWith('#request=') ? decodeURIComponent(location.hash.slice('#request='.length)) : '';
  if (id === '') return;
  if (!state.failures.some(event => event.request_id === id)) {
    const {events} = await get(`/api/v1/events?request_id=${encodeURIComponent(id)}`);
    state.failures.push(...events);
  }
  [state.origin, state.cause] = ['*', '*'];
  $('no-clients').checked = false;
  $('by-text').value = id;
  renderList();
  const found = $('list').querySelector('details.failure');
  if (found && !found.open) {
    found.open = true;
    await new Promise(done => found.addEventListener('toggle', done, {once: true}));  // now it has its height
  }
  $('failures').scrollIntoView();
}

// The daemon may be restarting: go on asking.
function tryToBegin() {
  begin().catch(() => { renderState(); setTimeout(tryToBegin, 2000); });
}

$('by-origin').addEventListener('change', event => choose(event.target.value, state.cause));
$('by-cause').addEventListener('change', event => choose(state.origin, event.target.value));
$('by-text').addEventListener('input', renderList);
$('no-clients').addEventListener('change', renderList);
$('filter').addEventListener('submit', event => event.preventDefault());
$('pause').addEventListener('click', () => {
  state.paused = !state.paused;
  state.waiting = 0;
  $('pause').textContent = state.paused ? 'Resume' : 'Pause';
  $('pause').setAttribute('aria-pressed', String(state.paused));
  renderList();
});
window.addEventListener('hashchange', () => followLink().catch(() => {}));
document.addEventListener('visibilitychange', () => { if (!document.hidden) poll(); });
kNarrow.addEventListener('change', () => { if (state.history) { renderMatrix(); renderList(); } });
tryToBegin();
