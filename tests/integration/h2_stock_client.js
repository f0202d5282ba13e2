// SPDX-License-Identifier: Apache-2.0
// Requests with Node's own HTTP/2: `h2_stock_client.js http|https PORT COUNT get|upload PATH`. COUNT at once on one
// connection; `upload` sends 100 KiB each. Prints the statuses, the octets of all bodies and the trailers of the last.
const http2 = require('http2');

const [scheme, port, count, mode, path] = process.argv.slice(2);
const session = http2.connect(`${scheme}://localhost:${port}`, { rejectUnauthorized: false });
session.on('error', (error) => {
  console.log(`session ${error.code}`);
  process.exitCode = 1;
});

function one() {
  return new Promise((resolve) => {
    const request = session.request({ ':method': mode === 'upload' ? 'POST' : 'GET', ':path': path });
    const seen = { status: 'none', size: 0, trailers: '' };
    request.on('response', (fields) => { seen.status = fields[':status']; });
    request.on('data', (data) => { seen.size += data.length; });
    request.on('trailers', (fields) => {
      seen.trailers = Object.entries(fields).map(([name, value]) => `${name}=${value}`).join(' ');
    });
    request.on('error', (error) => { seen.status += ` ${error.code} ${request.rstCode}`; });
    request.on('close', () => resolve(seen));
    request.end(mode === 'upload' ? Buffer.alloc(100 * 1024, 'x') : undefined);
  });
}

Promise.all(Array.from({ length: Number(count) }, one)).then((all) => {
  const statuses = [...new Set(all.map((each) => each.status))].join(',');
  const size = all.reduce((sum, each) => sum + each.size, 0);
  console.log(`${statuses} ${size} ${all[all.length - 1].trailers}`.trim());
  session.close();
});
