// SPDX-License-Identifier: Apache-2.0
// The site of record.py as a Node program: node site.js ROOT PORT. It sets
// what an author sets and leaves the rest to Node's http module.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const zlib = require('zlib');

const [root, port] = process.argv.slice(2);
const types = {'.html': 'text/html; charset=utf-8', '.txt': 'text/plain; charset=utf-8', '.css': 'text/css',
  '.json': 'application/json', '.svg': 'image/svg+xml', '.js': 'text/javascript'};

function send(res, status, fields, text) {
  res.writeHead(status, {'Content-Type': 'text/plain; charset=utf-8', ...fields});
  res.end(text === undefined ? `${http.STATUS_CODES[status]}\n` : text);
}

function sendRange(req, res, content, fields) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(req.headers.range);
  const last = content.length - 1;
  const first = match[1] === '' ? Math.max(0, content.length - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? last : Math.min(Number(match[2]), last);
  if (first > end) {
    send(res, 416, {'Content-Range': `bytes */${content.length}`});
    return;
  }
  res.writeHead(206, {...fields, 'Content-Range': `bytes ${first}-${end}/${content.length}`,
    'Content-Length': end - first + 1});
  res.end(content.subarray(first, end + 1));
}

function sendFile(req, res, name) {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('Allow', 'GET, HEAD, OPTIONS');
    req.method === 'OPTIONS' ? (res.statusCode = 204, res.end()) : send(res, 405, {});
    return;
  }
  const content = fs.readFileSync(name);
  const etag = `"${crypto.createHash('sha1').update(content).digest('base64url')}"`;
  const modified = fs.statSync(name).mtime;
  const fields = {'Content-Type': types[path.extname(name)] || 'application/octet-stream', 'ETag': etag,
    'Last-Modified': modified.toUTCString(), 'Accept-Ranges': 'bytes', 'Cache-Control': 'public, max-age=3600'};
  const tags = req.headers['if-none-match'];
  const since = req.headers['if-modified-since'];
  if (req.headers['if-match'] && req.headers['if-match'] !== etag) {
    send(res, 412, {});
  } else if (tags ? tags === etag || tags === '*' : since && new Date(since) >= modified) {
    res.writeHead(304, {'ETag': etag, 'Cache-Control': fields['Cache-Control']});
    res.end();
  } else if (/^bytes=\d*-\d*$/.test(req.headers.range || '') && req.method === 'GET' &&
             (!req.headers['if-range'] || req.headers['if-range'] === etag)) {
    sendRange(req, res, content, fields);
  } else if (/gzip/.test(req.headers['accept-encoding'] || '') && content.length > 100) {
    res.writeHead(200, {...fields, 'ETag': `W/${etag}`, 'Content-Encoding': 'gzip', 'Vary': 'Accept-Encoding'});
    res.end(zlib.gzipSync(content));
  } else {
    res.writeHead(200, {...fields, 'Content-Length': content.length});
    res.end(content);
  }
}

const redirects = {'/r301': 301, '/r302': 302, '/r303': 303, '/r307': 307, '/r308': 308};
const places = {
  '/gone': (req, res) => send(res, 410, {}),
  '/none': (req, res) => { res.statusCode = 204; res.end(); },
  '/cached': (req, res) => send(res, 200, {'Cache-Control': 'max-age=3600', 'Vary': 'Accept-Encoding',
    'Expires': new Date(Date.now() + 3600000).toUTCString()}, 'cached\n'),
  '/cookie': (req, res) => send(res, 200, {'Set-Cookie': 'id=1; Path=/; HttpOnly; SameSite=Lax'}, 'cookie\n'),
  '/error': (req, res) => send(res, 500, {}),
  '/unavailable': (req, res) => send(res, 503, {'Retry-After': '120'}),
  '/stream': (req, res) => { res.writeHead(200, {'Content-Type': 'text/plain'}); res.write('one\n'); res.end('two\n'); },
  '/trailers': (req, res) => {
    res.writeHead(200, {'Content-Type': 'text/plain', 'Trailer': 'X-Sum'});
    res.write('body\n');
    res.addTrailers({'X-Sum': '5'});
    res.end();
  },
  '/hints': (req, res) => { res.writeEarlyHints({link: '</style.css>; rel=preload; as=style'}); send(res, 200, {}); },
  '/items': (req, res) => send(res, 201, {'Location': '/items/1', 'Content-Type': 'application/json'}, '{"id":1}\n'),
  '/jobs': (req, res) => send(res, 202, {}),
  '/reset': (req, res) => { res.writeHead(205, {'Content-Length': 0}); res.end(); },
  '/form': (req, res) => { res.writeHead(303, {'Location': '/thanks'}); res.end(); },
  '/cookies': (req, res) => send(res, 200, {'Set-Cookie': ['a=1', 'b=2; Max-Age=10', 'c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'd="quoted"; Path=/x; Domain=shop.example']}),
  '/secure-cookies': (req, res) => send(res, 200, {'Set-Cookie': ['__Host-a=1; Path=/; Secure; HttpOnly',
    '__Secure-b=2; Secure; SameSite=None', 'c=3; SameSite=None; Secure; Partitioned']}),
  '/limited': (req, res) => send(res, 429, {'Retry-After': new Date(Date.now() + 60000).toUTCString()}),
  '/upgrade-required': (req, res) => send(res, 426, {'Upgrade': 'websocket', 'Connection': 'Upgrade'}),
  '/bearer': (req, res) => send(res, 401, {'WWW-Authenticate': ['Bearer realm="api", error="invalid_token"', 'Basic realm="api"']}),
  '/unprocessable': (req, res) => send(res, 422, {'Content-Type': 'application/problem+json'}, '{"status":422}\n'),
  '/legal': (req, res) => send(res, 451, {'Link': '<https://authority.example/>; rel="blocked-by"'}),
  '/problem': (req, res) => send(res, 403, {'Content-Type': 'application/problem+json'}, '{"status":403}\n'),
  '/page-not-found': (req, res) => send(res, 404, {'Content-Type': 'text/html; charset="utf-8"'}, '<!doctype html>\n'),
  '/events': (req, res) => { res.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-store, max-age=0'}); res.end('data: a\n\n'); },
  '/download': (req, res) => send(res, 200, {'Content-Type': 'application/octet-stream',
    'Content-Disposition': 'attachment; filename="a b.bin"; filename*=UTF-8\'\'caf%C3%A9.bin'}, 'bin'),
  '/moved-page': (req, res) => send(res, 301, {'Location': '/new?x=[1]&y=a|b', 'Content-Type': 'text/html'}, '<a href="/new">moved</a>\n'),
  '/bad-gateway': (req, res) => send(res, 502, {'Proxy-Status': 'node; error=connection_refused'}),
};

const server = http.createServer((req, res) => {
  let received = 0;
  req.on('data', (data) => { received += data.length; });
  req.on('end', () => {
    if (received > 1024) {
      send(res, 413, {'Connection': 'close'});
      return;
    }
    const target = req.url === '*' ? '*' : decodeURIComponent(req.url.split('?')[0]);
    const name = path.join(root, target.endsWith('/') ? `${target}index.html` : target);
    if (target === '*') {
      res.writeHead(204, {'Allow': 'GET, HEAD, POST, OPTIONS'});
      res.end();
    } else if (redirects[target]) {
      res.writeHead(redirects[target], {'Location': target === '/r302' ? 'https://shop.example/b?c=d' : '/a.txt'});
      res.end();
    } else if (places[target]) {
      places[target](req, res);
    } else if (target.startsWith('/denied/')) {
      send(res, 403, {});
    } else if (target.startsWith('/private/') && !/^Basic dXNlcjpzZWNyZXQ=$/.test(req.headers.authorization || '')) {
      send(res, 401, {'WWW-Authenticate': 'Basic realm="private", charset="UTF-8"'});
    } else if (!fs.existsSync(name)) {
      send(res, 404, {});
    } else if (fs.statSync(name).isDirectory()) {
      res.writeHead(301, {'Location': `${target}/`});
      res.end();
    } else {
      sendFile(req, res, name);
    }
  });
});
server.listen(Number(port), '127.0.0.1');
