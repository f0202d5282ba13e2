// SPDX-License-Identifier: Apache-2.0
// Looks at the live page in Chromium, the way people do: by what is named, with
// the keyboard alone, by day and by night, on a phone.
//   node admin_page.js CHROMIUM ADMIN_URL PROXY_URL [SCREENSHOT_DIRECTORY]
// Prints what is wrong, one line each; "ok" where nothing is. playwright-core
// is in tests/npm.
'use strict';
const {chromium} = require('playwright-core');
const [executablePath, admin, proxy, screenshots] = process.argv.slice(2);
const kPatience = 30000;
const problems = [];
const check = (holds, what) => { if (!holds) problems.push(what); };

const failures = page => page.locator('details.failure');
const fail = async path => (await fetch(proxy + path)).status;

// What the page asks for, and whom.
async function watch(context) {
  const requests = {count: 0};
  await context.route('**/*', route => {
    requests.count += 1;
    const url = route.request().url();
    if (new URL(url).origin === new URL(admin).origin) return route.continue();
    problems.push(`asks elsewhere: ${url}`);
    return route.abort();
  });
  return requests;
}

async function showsFailuresAsTheyHappen(page) {
  await fail('/before%3Cimg%20src=x%3E');
  await page.goto(admin);
  await failures(page).first().waitFor();
  await page.getByRole('status').getByText('live', {exact: true}).waitFor();
  const before = await failures(page).count();
  const status = await fail('/during?q=1');
  check(status >= 500, `the proxy says ${status}`);
  await page.waitForFunction(count => document.querySelectorAll('details.failure').length === count, before + 1);
  check(await page.evaluate(() => document.images.length === 0), 'a path became markup');
}

async function tellsTheStory(page) {
  await failures(page).first().locator('summary').first().click();
  const story = failures(page).first().locator('.story');
  await story.waitFor();
  const text = await story.innerText();
  for (const part of ['Check first:', 'Who should act:', 'gatewhy why ', 'ECONNREFUSED', 'request id', '/during?q=1', 'client', 'gatewhy']) check(text.includes(part), `the story lacks '${part}'`);
  check(await story.locator('.try svg rect').count() > 0, 'the story has no time line');
  await failures(page).first().locator('summary').first().click();
  await story.waitFor({state: 'hidden'});
}

// By role and name, as a screen reader finds them.
async function isNamed(page) {
  await page.getByRole('button', {name: /^connection_refused at origin: \d+ failures, the last at \d\d:\d\d$/}).waitFor();
  for (const [role, name] of [
    ['link', 'Skip to recent failures'], ['heading', 'gatewhy'], ['heading', 'What to check first'], ['heading', 'Failures in the last hour'], ['heading', 'Origins'],
    ['heading', 'Recent failures'], ['region', 'What to check first'], ['region', 'Failures in the last hour'], ['region', 'Recent failures'], ['form', 'Which failures are shown'],
    ['combobox', 'Origin'], ['combobox', 'Cause'], ['searchbox', 'Request id or path'], ['checkbox', 'hide client errors'], ['button', 'Pause'], ['link', 'metrics'], ['link', 'API'],
  ]) check(await page.getByRole(role, {name, exact: true}).count() === 1, `not exactly one ${role} is called '${name}'`);
  check((await page.getByRole('region', {name: 'What to check first'}).innerText()).includes('ss -ltn'), 'nothing is advised');
  check(await page.locator('#origins article').count() === 1, 'the origin is not shown');
  await page.locator('#origins .trouble code', {hasText: /^gatewhy endpoint drain origin http:/}).first().waitFor();
  await failures(page).first().locator('summary').first().click();
  await page.getByRole('img', {name: 'client – gatewhy – origin: it broke between gatewhy and origin'}).waitFor();

  const devtools = await page.context().newCDPSession(page);
  const {nodes} = await devtools.send('Accessibility.getFullAXTree');
  const roles = new Set(['button', 'link', 'combobox', 'searchbox', 'checkbox', 'img', 'image', 'region', 'form', 'heading', 'DisclosureTriangle']);
  for (const node of nodes) {
    if (!node.ignored && node.role && roles.has(node.role.value)) check(node.name && node.name.value, `a ${node.role.value} has no name`);
  }
  await failures(page).first().locator('summary').first().click();
}

// What has the focus: where it is, and whether one sees that it is there.
const focused = page => page.evaluate(() => {
  const element = document.activeElement;
  const kind = element.matches('.skip') ? 'skip' : element.matches('#matrix button.row') ? 'matrix' : element.closest('#filter') ? element.id : element.matches('details.failure > summary') ? 'failure' :
    element.closest('footer') ? 'footer' : element.tagName.toLowerCase();
  const box = element.getBoundingClientRect(), style = getComputedStyle(element);
  return {kind, seen: box.width > 0 && box.left >= 0 && box.bottom > 0 && box.top < innerHeight && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1};
});

async function tabTo(page, kind) {
  const passed = [];
  for (let i = 0; i < 40; ++i) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    passed.push(now.kind);
    check(now.seen, `the focus on ${now.kind} is not seen`);
    if (now.kind === kind) return passed;
  }
  throw new Error(`Tab does not reach ${kind}: ${passed}`);
}

async function needsNoMouse(page) {
  await page.goto(admin);
  await failures(page).first().waitFor();
  await page.locator('#matrix button.row').first().waitFor();
  check(String(await tabTo(page, 'matrix')) === 'skip,matrix', 'the matrix does not follow the skip link');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.getElementById('by-cause').value === 'connection_refused');
  await page.waitForFunction(() => document.querySelector('#matrix button.row').getAttribute('aria-pressed') === 'true');
  check((await focused(page)).kind === 'matrix', 'choosing a row loses the focus');
  const passed = await tabTo(page, 'failure');
  check(String(passed) === 'by-origin,by-cause,by-text,no-clients,pause,failure', `Tab goes ${passed}`);
  await page.keyboard.press('Enter');
  await failures(page).first().locator('.story').waitFor();
  // What comes meanwhile does not take the focus away.
  const before = await failures(page).count();
  await fail('/while-reading');
  await page.waitForFunction(count => document.querySelectorAll('details.failure').length === count, before + 1);
  check((await focused(page)).kind === 'failure', 'a new failure takes the focus');
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelectorAll('details.failure[open]').length === 0);

  await page.reload();
  await failures(page).first().waitFor();
  await tabTo(page, 'skip');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'failures');
  check(String(await tabTo(page, 'by-origin')) === 'by-origin', 'the skip link does not lead to the failures');
}

// A flood of one failure leaves the others their places, and all of them to as many as there are.
async function sharesPlaces(page) {
  const found = await page.evaluate(() => {
    const many = (cause, count) => Array.from({length: count}, () => ({origin: 'shop', diagnosis: {cause}}));
    const kept = (list, most) => shares(list, most).map(event => event.diagnosis.cause);
    const flooded = kept([...many('flood', 300), ...many('rare', 3), ...many('other', 90)], 100);
    return [...['flood', 'rare', 'other'].map(cause => flooded.filter(one => one === cause).length), kept(many('few', 5), 100).length,
            kept(Array.from({length: 50}, (_, i) => many('kind-' + i, 2)).flat(), 20).length].join(' ');
  });
  check(found === '48 3 48 5 20', `shares of a flood: ${found}`);
}

// Texts whose contrast with their ground is under WCAG's 4.5 (3 for large ones).
const faint = page => page.evaluate(() => {
  const channels = color => (color.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const color = channels(getComputedStyle(element).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const element of document.body.querySelectorAll('*')) {
    const text = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data.trim()).join('');
    if (!text || !element.checkVisibility() || element.closest('svg, .skip, noscript')) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const [dark, bright] = [light(channels(style.color)), light(ground(element))].sort((a, b) => a - b);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < (size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5)) found.add(`${element.tagName.toLowerCase()}.${element.className} '${text.slice(0, 20)}' ${contrast.toFixed(1)}`);
  }
  return [...found];
});

async function fitsEverywhere(page) {
  await page.goto(admin);
  await failures(page).first().waitFor();
  await failures(page).first().locator('summary').first().click();
  await failures(page).first().locator('.raw summary').click();
  await page.waitForFunction(() => document.querySelector('details.raw pre').textContent !== '');
  for (const [name, width, colorScheme] of [['light', 1280, 'light'], ['dark', 1280, 'dark'], ['tablet', 800, 'light'], ['phone', 360, 'light'], ['phone-dark', 360, 'dark']]) {
    await page.setViewportSize({width, height: 800});
    await page.emulateMedia({colorScheme});
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= width, `${name}: ${wide} wide, which is more than ${width}`);
    const light = await page.evaluate(() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number); return r + g + b > 380; });
    check(light === (colorScheme === 'light'), `${name}: the ground is ${light ? 'light' : 'dark'}`);
    for (const text of await faint(page)) check(false, `${name}: faint: ${text}`);
    if (screenshots) await page.screenshot({path: `${screenshots}/${name}.png`, fullPage: true});
  }
}

// What an attacker can put into an event stays text of its own, readable and bounded.
async function isNotFooled(page) {
  await page.goto(admin);
  await failures(page).first().waitFor();
  const hostile = '<img src=x onerror="window.fooled=1"><script>window.fooled=1</script>\u202egnp.exe\u2066 \u001b[31mred\u0007 javascript:window.fooled=1 ';
  await page.evaluate(text => onFailure({
    id: 7, timestamp: '2026-01-01T12:00:00Z', request_id: `evil-${text}`, origin: text, route: text, endpoint: text, client: {address: text}, server: {address: text}, outcome: 'failure', generated_by: 'proxy',
    http: {request: {method: text}, response: {status_code: 521}}, url: {path: text + 'x'.repeat(1 << 20), query: text}, timings: {total: 1},
    diagnosis: {cause: text, phase: 'connect', blame: 'origin', status: 521, summary: text, evidence: {excerpt: text + 'y'.repeat(1 << 20), [text]: {[text]: [text]}}},
    tries: [{endpoint: text, peer: {address: text}, timings: {connect: 1}, diagnosis: {cause: text, phase: 'connect', summary: text, evidence: {}}}, {endpoint: text, timings: {connect: 2}}],
  }), hostile);
  const row = page.locator('#event-7');
  await row.waitFor();
  await row.locator('summary').first().click();
  await row.locator('.story').waitFor();
  await row.locator('.raw summary').click();
  await page.waitForFunction(() => document.querySelector('#event-7 .raw pre').textContent !== '');
  const seen = await page.evaluate(() => {
    const story = document.querySelector('#event-7 .story').cloneNode(true);
    for (const raw of story.querySelectorAll('.raw')) raw.remove();
    return {fooled: window.fooled, images: document.images.length, scripts: document.scripts.length, turned: /[\u202a-\u202e\u2066-\u2069\u001b]/.test(document.body.innerText), length: story.textContent.length, wide: document.documentElement.scrollWidth};
  });
  check(seen.fooled === undefined && seen.images === 0 && seen.scripts === 1, `markup ran: ${JSON.stringify(seen)}`);
  check(!seen.turned, 'direction marks or escapes reach the page');
  check(seen.length < 300000, `a long value fills the page: ${seen.length}`);
  check(seen.wide <= 1280, `a long value widens the page: ${seen.wide}`);
  // The policy stops what would run all the same.
  const stopped = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.fooled = 2';
    document.body.append(script);
    const image = document.createElement('div');
    image.innerHTML = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" onerror="window.fooled=3" onload="window.fooled=4">';
    document.body.append(image);
    return window.fooled === undefined;
  });
  check(stopped, 'the content security policy lets inline script run');
}

// A link to one failure opens it, alone.
async function followsLinks(page) {
  await page.goto(admin);
  await failures(page).first().waitFor();
  const id = await page.evaluate(() => state.failures[0].request_id);
  await page.goto(`${admin}#request=${id}`);
  await page.reload();
  await page.locator('details.failure[open] .story').waitFor();
  check(await failures(page).count() === 1, 'a link shows more than its failure');
  check((await page.locator('.tools code').innerText()) === `gatewhy why ${id}`, 'the command is not shown');
}

async function run() {
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']});
  try {
    // Without motion, what gets the focus is in view at once.
    const context = await browser.newContext({viewport: {width: 1280, height: 800}, serviceWorkers: 'block', reducedMotion: 'reduce'});
    context.setDefaultTimeout(kPatience);
    const requests = await watch(context), page = await context.newPage();
    page.on('pageerror', error => problems.push(`exception: ${error.stack}`));
    page.on('console', message => { if (message.type() === 'error' && !message.text().includes('Content Security Policy')) problems.push(`console: ${message.text()} ${message.location().url}`); });
    for (const look of [showsFailuresAsTheyHappen, tellsTheStory, isNamed, needsNoMouse, sharesPlaces, followsLinks, fitsEverywhere, isNotFooled]) {
      try {
        await look(page);
      } catch (error) {
        problems.push(`${look.name}: ${error}`);
      }
    }
    check(requests.count >= 10, `only ${requests.count} requests were seen`);
  } finally {
    await browser.close();
  }
  console.log(problems.length === 0 ? 'ok' : problems.join('\n'));
}
run().catch(error => { console.log(String(error)); process.exitCode = 1; });
