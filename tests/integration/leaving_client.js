// SPDX-License-Identifier: Apache-2.0
// One request with Node's own client: `node leaving_client.js http|https PORT stay|half|leave PATH`. Prints status and body.
'use strict';
const [scheme, port, mode, path] = process.argv.slice(2);
const client = require(scheme);
const options = {host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false};
const request = client.get(options, (response) => {
  let body = '';
  response.on('data', (piece) => { body += piece; });
  response.on('end', () => console.log(response.statusCode, body));
});
request.on('error', (error) => {
  if (mode !== 'leave') {
    console.log('failed:', error.message);
  }
});
if (mode === 'half') {
  request.on('finish', () => request.socket.end());
}
if (mode === 'leave') {
  setTimeout(() => request.destroy(), 300);
}
