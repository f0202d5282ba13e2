// SPDX-License-Identifier: Apache-2.0
// Chromium leaves a page whose images do not come, and loads one whose images do.
//   node http2_browser.js CHROMIUM URL
// Prints one line of JSON: what came of it. playwright-core is in tests/npm.
'use strict';
const {chromium} = require('playwright-core');
const [executablePath, url] = process.argv.slice(2);
const kImages = 100;

(async () => {
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']});
  const page = await (await browser.newContext({ignoreHTTPSErrors: true})).newPage();
  await page.goto(`${url}/pending-images`, {waitUntil: 'commit'});
  // All of them are under way at the origin.
  await page.waitForFunction(async images => Number(await (await fetch('/hanging')).text()) === images, kImages, {polling: 100});
  await page.goto(`${url}/images`, {waitUntil: 'load'});
  const told = await page.evaluate(() => ({
    protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
    loaded: [...document.images].filter(image => image.complete && image.naturalWidth > 0).length,
  }));
  console.log(JSON.stringify(told));
  await browser.close();
})().catch(error => {
  console.log(JSON.stringify({error: String(error)}));
  process.exitCode = 1;
});
