// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with Node's own client: `node http2_client.js STORY http|https PORT`. Prints one JSON line with what it saw.
'use strict';
const http2 = require('http2');
const [story, scheme, port] = process.argv.slice(2);
const session = http2.connect(`${scheme}://127.0.0.1:${port}`, {rejectUnauthorized: false});
const seen = {session_error: null, goaway: null, streams: []};

function tell() {
  console.log(JSON.stringify(seen));
  process.exit(0);
}
session.on('error', (error) => { seen.session_error = error.code; });
session.on('goaway', (code) => { seen.goaway = code; });

// Resolves when the stream is closed, however that comes about.
function request(headers, {body = null, pieces = null, unfinished = false, trailers = null, onResponse = null, onOpen = null} = {}) {
  return new Promise((resolve) => {
    const told = {status: 0, fields: {}, body_size: 0, body: '', trailers: {}, interim: [], code: null, ended: false};
    seen.streams.push(told);
    const ends = body === null && pieces === null;
    const stream = session.request(headers, {endStream: ends, waitForTrailers: trailers !== null});
    stream.on('headers', (fields) => told.interim.push(fields[':status']));
    stream.on('response', (fields) => {
      told.status = fields[':status'];
      told.fields = {...fields};
      if (onResponse) {
        onResponse(stream);
      }
    });
    stream.on('trailers', (fields) => { told.trailers = {...fields}; });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('data', (piece) => {
      told.body_size += piece.length;
      if (told.body.length < 200) {
        told.body += piece.toString('latin1');
      }
    });
    stream.on('end', () => { told.ended = true; });
    stream.on('error', () => {});
    stream.on('close', () => {
      told.code = stream.rstCode;
      resolve(told);
    });
    if (body !== null) {
      stream.end(body);
    } else if (pieces !== null) {
      (async () => {
        for (const piece of pieces) {
          if (stream.destroyed) {
            return;
          }
          if (!stream.write(piece)) {
            await new Promise((go) => { stream.once('drain', go); stream.once('close', go); });
          }
        }
        if (!unfinished) {
          stream.end();
        }
      })();
    }
    if (onOpen) {
      onOpen(stream);
    }
  });
}

const stories = {
  async get() {
    await request({':path': '/plain', cookie: 'a=1'});
    await request({':path': '/plain', ':method': 'HEAD'});
    await request({':path': '/nothing'});
    await request({':path': '/trailers'});
    await request({':path': '/early-hints'});
  },
  async upload() {
    await request({':path': '/echo', ':method': 'POST'}, {body: Buffer.alloc(1000000, 'u')});
    await request({':path': '/echo', ':method': 'POST', 'content-length': '300000'},
                  {pieces: Array(30).fill(Buffer.alloc(10000, 'v'))});
    await request({':path': '/echo', ':method': 'POST', trailer: 'x-sum'},
                  {body: 'with trailers', trailers: {'x-sum': '17'}});
  },
  // One stream is broken, its siblings must not notice.
  async broken() {
    await Promise.all([request({':path': '/plain'}), request({':path': '/cut'}), request({':path': '/plain'}),
                       request({':path': '/cut-chunked'}), request({':path': '/refused'}), request({':path': '/plain'})]);
  },
  async cancel() {
    let hanging;
    const cancelled = request({':path': '/hangs'}, {onOpen: (stream) => { hanging = stream; }});
    await request({':path': '/when-it-hangs'});
    hanging.close(http2.constants.NGHTTP2_CANCEL);
    await cancelled;
    await request({':path': '/plain'});
  },
  // A stream that nobody reads stops at its window; the other one passes it.
  async stalled() {
    let blocked;
    const waiting = request({':path': '/large'}, {onResponse: (stream) => { blocked = stream; stream.pause(); }});
    await request({':path': '/large'});
    blocked.resume();
    await waiting;
  },
  async websocket() {
    await new Promise((go) => session.on('remoteSettings', go));
    const told = await request({':method': 'CONNECT', ':protocol': 'websocket', ':path': '/socket', ':scheme': scheme,
                   ':authority': 'shop.example', 'sec-websocket-version': '13'},
                  {pieces: [], unfinished: true, onOpen: (stream) => {
                     stream.on('response', () => stream.write('through the tunnel'));
                     stream.once('data', () => stream.end());
                   }});
    seen.echoed = told.body;
  },
  async goaway() {
    await request({':path': '/held'});
    await new Promise((go) => session.on('close', go));
  },
  async vanish() {
    request({':path': '/hangs'});
    await request({':path': '/when-it-hangs'});
    const closed = new Promise((go) => session.on('close', go));
    session.destroy();
    await closed;
  },
  async early() {
    await request({':path': '/early', ':method': 'POST', 'content-length': '100000'}, {pieces: [Buffer.alloc(1000)], unfinished: true});
  },
};
setTimeout(() => { seen.late = true; tell(); }, 30000).unref();
stories[story]().then(tell);
