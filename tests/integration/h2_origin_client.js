// SPDX-License-Identifier: Apache-2.0
// Plays clients of HTTP/1.1 against gatewhy in front of h2_origin.js: `node h2_origin_client.js STORY PORT`.
// Prints one JSON line with what it saw.
'use strict';
const http = require('http');
const [story, port] = process.argv.slice(2);
const agent = new http.Agent({keepAlive: true, maxSockets: Infinity});

// Resolves when the exchange is over, however it came about.
function exchange(path, {method = 'GET', headers = {}, body = null, trailers = null, size = 0, onResponse = null} = {}) {
  return new Promise((resolve) => {
    const told = {status: 0, headers: {}, body: '', size: 0, trailers: {}, interim: [], continued: false, upgraded: null, error: null};
    const request = http.request({host: '127.0.0.1', port, path, method, headers, agent});
    request.on('information', ({statusCode}) => told.interim.push(statusCode));
    request.on('continue', () => { told.continued = true; request.end(body); });
    request.on('response', (response) => {
      told.status = response.statusCode;
      told.headers = response.headers;
      response.on('data', (piece) => {
        told.size += piece.length;
        told.body = (told.body + piece.toString('latin1', 0, 200)).slice(0, 200);
      });
      response.on('end', () => { told.trailers = response.trailers; resolve(told); });
      response.on('error', (error) => { told.error = error.code; resolve(told); });
      response.on('close', () => resolve(told));
      if (onResponse) {
        onResponse(request);
      }
    });
    request.on('upgrade', (response, socket) => {
      told.status = response.statusCode;
      told.upgraded = '';
      socket.on('data', (data) => { told.upgraded += data; });
      socket.on('close', () => resolve(told));
      socket.write('you');
    });
    request.on('error', (error) => { told.error = error.code; resolve(told); });
    if (headers.expect) {
      request.flushHeaders();
    } else if (size !== 0) {
      let left = size;
      const piece = Buffer.alloc(65536, 'u');
      const push = () => {
        while (left > 0) {
          const part = left >= piece.length ? piece : piece.subarray(0, left);
          left -= part.length;
          if (!request.write(part)) {
            request.once('drain', push);
            return;
          }
        }
        request.end();
      };
      push();
    } else {
      if (trailers) {
        request.setHeader('trailer', Object.keys(trailers).join(', '));
        request.setHeader('transfer-encoding', 'chunked');
        request.addTrailers(trailers);
      }
      request.end(body);
    }
    exchange.last = request;
  });
}

const kMany = 100;
const kTenMiB = 10 * 1024 * 1024;
const stats = async () => JSON.parse((await exchange('/stats')).body);
const until = async (met) => {
  for (;;) {
    const now = await stats();
    if (met(now)) {
      return now;
    }
  }
};

const stories = {
  async gets() {
    return {hello: await exchange('/hello'), stream: await exchange('/stream'), head: await exchange('/hello', {method: 'HEAD'}),
            none: await exchange('/nothing/204'), unchanged: await exchange('/nothing/304'), hints: await exchange('/hints')};
  },
  async bodies() {
    return {up: await exchange('/count', {method: 'POST', size: kTenMiB}), down: await exchange(`/bytes/${kTenMiB}`),
            told: await exchange('/count', {method: 'POST', body: 'abc', headers: {'content-length': 3}}),
            trailers: await exchange('/count', {method: 'POST', body: 'abcd', trailers: {'X-Asked': 'yes'}, headers: {te: 'trailers'}}),
            continued: await exchange('/count', {method: 'POST', body: 'abcde', headers: {expect: '100-continue', 'content-length': 5}}),
            refused: await exchange('/refused', {method: 'POST', body: 'abcde', headers: {expect: '100-continue', 'content-length': 5}}),
            early: await exchange('/early', {method: 'POST', body: 'abcde', headers: {'content-length': 5}})};
  },
  async many() {
    await exchange('/hello');
    const all = await Promise.all(Array.from({length: kMany}, () => exchange(`/gather/${kMany}`)));
    return {sessions: [...new Set(all.map((one) => one.body))], statuses: [...new Set(all.map((one) => one.status))], stats: await stats()};
  },
  async crowd() {  // nothing is open yet
    const all = await Promise.all(Array.from({length: kMany}, () => exchange('/hello')));
    const told = await exchange('/stats');
    return {statuses: [...new Set(all.map((one) => one.status))], stats: told.body[0] === '{' ? JSON.parse(told.body) : null};
  },
  async leaving() {
    const waiting = exchange('/gather/2');
    const gone = exchange('/hang');
    const request = exchange.last;
    await until((now) => now.hanging === 1);
    request.destroy();
    await gone;
    const after = await until((now) => now.hanging === 0);
    const sibling = exchange('/gather/2');
    return {waiting: await waiting, sibling: await sibling, stats: after};
  },
  async http11() {
    return {misdirected: await exchange('/misdirected', {method: 'POST', body: 'abc'}), after: await exchange('/hello')};
  },
  async required() {
    return {required: await exchange('/http11required', {method: 'POST', body: 'abc'}), after: await exchange('/hello')};
  },
  async resets() {
    return {refused: await exchange('/refuse'), reset: await exchange('/reset'), after: await exchange('/hello')};
  },
  async upgrade() {
    const before = await exchange('/hello');
    return {before, socket: await exchange('/socket', {headers: {connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='}}), after: await exchange('/hello')};
  },
};

stories[story]().then((told) => {
  process.stdout.write(JSON.stringify(told) + '\n', () => process.exit(0));  // once the pipe has it
});
