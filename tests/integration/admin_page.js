// SPDX-License-Identifier: Apache-2.0
// Looks at the live page in Chromium, over its debugging protocol.
//   node admin_page.js CHROMIUM PROFILE_DIRECTORY ADMIN_URL PROXY_URL [SCREENSHOT_DIRECTORY]
// Prints what is wrong, one line each; "ok" where nothing is.
'use strict';
const {spawn} = require('child_process'), fs = require('fs'), http = require('http'), WebSocket = require('ws');
const [chromium, profile, admin, proxy, screenshots] = process.argv.slice(2);
const problems = [];
const check = (holds, what) => { if (!holds) problems.push(what); };

async function until(what, probe) {  // for at most half a minute
  const end = Date.now() + 30000;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

const request = url => new Promise((resolve, reject) => http.get(url, answer => { let text = ''; answer.on('data', part => text += part); answer.on('end', () => resolve({status: answer.statusCode, text})); }).on('error', reject));

class Page {
  constructor(url) {
    this.socket = new WebSocket(url);
    this.answers = new Map();
    this.next = 1;
    this.socket.on('message', data => this.onMessage(JSON.parse(data)));
  }
  opened() { return new Promise((resolve, reject) => { this.socket.on('open', resolve); this.socket.on('error', reject); }); }
  onMessage(message) {
    if (message.id) {
      this.answers.get(message.id)(message);
    } else if (message.method === 'Runtime.exceptionThrown') {
      problems.push(`exception: ${message.params.exceptionDetails.exception && message.params.exceptionDetails.exception.description || message.params.exceptionDetails.text}`);
    } else if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error') {
      problems.push(`console: ${message.params.entry.text} ${message.params.entry.url || ''}`);
    }
  }
  async send(method, params = {}) {
    const id = this.next++;
    const answer = new Promise(resolve => this.answers.set(id, resolve));
    this.socket.send(JSON.stringify({id, method, params}));
    const message = await answer;
    if (message.error) throw new Error(`${method}: ${message.error.message}`);
    return message.result;
  }
  async value(expression) {
    const {result, exceptionDetails} = await this.send('Runtime.evaluate', {expression, returnByValue: true, awaitPromise: true});
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception.description}`);
    return result.value;
  }
  async screenshot(name) {
    if (screenshots) fs.writeFileSync(`${screenshots}/${name}.png`, Buffer.from((await this.send('Page.captureScreenshot', {captureBeyondViewport: true})).data, 'base64'));
  }
}

async function look(page) {
  await page.send('Runtime.enable');
  await page.send('Log.enable');
  await page.send('Page.enable');
  await request(`${proxy}/before%3Cimg%20src=x%3E`);
  await page.send('Page.navigate', {url: admin});
  await until('the first failure', () => page.value(`document.querySelectorAll('details.failure').length > 0`));
  await until('the stream', () => page.value(`document.getElementById('state').textContent.includes('live')`));
  const before = await page.value(`document.querySelectorAll('details.failure').length`);
  const failed = await request(`${proxy}/during?q=1`);
  check(failed.status >= 500, `the proxy says ${failed.status}`);
  await until('a failure that comes while the page is open', () => page.value(`document.querySelectorAll('details.failure').length === ${before + 1}`));
  await page.value(`document.querySelector('details.failure summary').click()`);
  const story = await until('its story', () => page.value(`(document.querySelector('details.failure .story') || {}).innerText`));
  for (const part of ['Check first:', 'Who acts:', 'ECONNREFUSED', 'request id', '/during?q=1', 'client', 'gatewhy']) check(story.includes(part), `the story lacks '${part}'`);
  check(await page.value(`document.querySelectorAll('details.failure .try svg rect').length > 0`), 'the story has no time line');
  await until('the fault matrix', () => page.value(`[...document.querySelectorAll('#matrix button.row')].some(row => row.textContent.includes('connection refused'))`));
  check(await page.value(`document.getElementById('advice').textContent.includes('ss -ltn')`), 'nothing is advised');
  check(await page.value(`document.querySelectorAll('#origins article').length === 1`), 'the origin is not shown');
  check(await page.value(`document.images.length === 0`), 'a path became markup');

  // Choosing a row of the matrix filters, with the keyboard too.
  await page.value(`document.querySelector('#matrix button.row').focus()`);
  await page.send('Input.dispatchKeyEvent', {type: 'keyDown', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r'});
  await page.send('Input.dispatchKeyEvent', {type: 'keyUp', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13});
  await until('the filter', () => page.value(`document.getElementById('by-cause').value === 'connection_refused'`));
  check(await page.value(`document.querySelector('#matrix button.row').getAttribute('aria-pressed') === 'true'`), 'the chosen row is not marked');

  // A flood of one failure leaves the others their places, and all of them to as many as there are.
  const shares = await page.value(`(() => {
    const many = (cause, count) => Array.from({length: count}, () => ({origin: 'shop', diagnosis: {cause}}));
    const kept = (list, most) => shares(list, most).map(event => event.diagnosis.cause);
    const flooded = kept([...many('flood', 300), ...many('rare', 3), ...many('other', 90)], 100);
    return [...['flood', 'rare', 'other'].map(cause => flooded.filter(one => one === cause).length), kept(many('few', 5), 100).length,
            kept(Array.from({length: 50}, (_, i) => many('kind-' + i, 2)).flat(), 20).length].join(' ');
  })()`);
  check(shares === '48 3 48 5 20', `shares of a flood: ${shares}`);

  // Every control has a name, every picture a text.
  const {nodes} = await page.send('Accessibility.getFullAXTree');
  const roles = new Set(['button', 'link', 'combobox', 'searchbox', 'checkbox', 'img', 'image']);
  for (const node of nodes) {
    if (!node.ignored && node.role && roles.has(node.role.value)) check(node.name && node.name.value, `a ${node.role.value} has no name`);
  }

  for (const [name, width, scheme] of [['light', 1280, 'light'], ['dark', 1280, 'dark'], ['phone', 375, 'light'], ['phone-dark', 375, 'dark']]) {
    await page.send('Emulation.setDeviceMetricsOverride', {width, height: 900, deviceScaleFactor: 1, mobile: false});
    await page.send('Emulation.setEmulatedMedia', {features: [{name: 'prefers-color-scheme', value: scheme}]});
    check(await page.value(`document.documentElement.scrollWidth <= ${width}`), `${name}: wider than ${width}`);
    const light = await page.value(`(() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number); return r + g + b > 380; })()`);
    check(light === (scheme === 'light'), `${name}: the ground is ${light ? 'light' : 'dark'}`);
    await page.screenshot(name);
  }
  const loaded = await page.value(`performance.getEntriesByType('resource').map(entry => entry.name).filter(name => !name.startsWith(location.origin))`);
  check(loaded.length === 0, `loaded from elsewhere: ${loaded}`);
}

async function run() {
  const browser = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
                                   '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'], {stdio: 'ignore'});
  try {
    const port = await until('the debugging port', () => { try { return fs.readFileSync(`${profile}/DevToolsActivePort`, 'utf8').split('\n')[0]; } catch { return ''; } });
    const target = await until('a page', async () => JSON.parse((await request(`http://127.0.0.1:${port}/json/list`)).text).find(one => one.type === 'page'));
    const page = new Page(target.webSocketDebuggerUrl);
    await page.opened();
    await look(page);
  } catch (error) {
    problems.push(String(error));
  }
  browser.kill('SIGKILL');
  console.log(problems.length === 0 ? 'ok' : problems.join('\n'));
  process.exit(0);
}
run();
