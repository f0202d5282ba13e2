// SPDX-License-Identifier: Apache-2.0
// An origin of Node's that speaks HTTP/2: `node h2_origin.js plain|tls|tls-h1 [--key FILE --cert FILE]
// [--streams N]`. Prints its port. tls: HTTP/2 and HTTP/1.1 by ALPN; tls-h1: HTTP/1.1 only. --streams: so many at a time
// on a connection. (After session.close() Debian's Node 18 corrupts its memory, so no story ends connections that way.)
'use strict';
const fs = require('fs');
const http2 = require('http2');
const https = require('https');
const argument = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const kind = process.argv[2];
const settings = {maxConcurrentStreams: Number(argument('--streams') || 1000)};

const stats = {sessions: 0, streams: 0, aborted: 0, most: 0, hanging: 0};
const gathered = new Map();  // of a session: answers that wait for the others
let session_id = 0;

function watch(session) {
  session.number = ++session_id;
  session.open = 0;
  ++stats.sessions;
  session.on('error', () => {});
  session.on('stream', (stream) => {
    ++stats.streams;
    stats.most = Math.max(stats.most, ++session.open);
    stream.on('error', () => {});
    stream.on('aborted', () => { ++stats.aborted; });
    stream.on('close', () => { --session.open; });
  });
}

function gather(request, response, wanted) {
  const session = request.stream.session;
  const waiting = gathered.get(session) || [];
  gathered.set(session, waiting);
  waiting.push(response);
  if (waiting.length === wanted) {
    gathered.delete(session);
    waiting.forEach((one) => one.end(`${session.number}`));
  }
}

function answer(request, response) {
  const [, word, number] = request.url.split('/');
  const size = Number(number || 0);
  const by = request.httpVersion;
  if (word !== 'nothing') {
    response.setHeader('content-type', 'text/plain');
  }
  switch (word) {
    case 'hello':
      response.setHeader('x-version', by);
      response.setHeader('x-host', request.authority || request.headers.host);
      response.setHeader('content-length', 5);
      response.end('hello');
      return;
    case 'stream':  // no length is said
      response.write('one');
      setImmediate(() => response.end('two'));
      return;
    case 'bytes':
      response.setHeader('content-length', size);
      response.end(Buffer.alloc(size, 'x'));
      return;
    case 'count': {
      let received = 0;
      request.on('data', (piece) => { received += piece.length; });
      request.on('end', () => {
        response.setHeader('trailer', 'x-sum');
        response.addTrailers({'x-sum': `${received}`, ...(request.trailers['x-asked'] ? {'x-asked': request.trailers['x-asked']} : {})});
        response.end(`${received}`);
      });
      return;
    }
    case 'early':  // an answer before the request is whole
      response.statusCode = 413;
      response.end('much');
      return;
    case 'nothing':
      response.statusCode = size;
      response.end();
      return;
    case 'hints':
      if (by === '2.0') {
        response.stream.additionalHeaders({':status': 103, link: '</a.css>; rel=preload'});
      } else {
        response.writeEarlyHints({link: '</a.css>; rel=preload'});
      }
      response.end('hinted');
      return;
    case 'gather':
      gather(request, response, size);
      return;
    case 'hang':
      ++stats.hanging;
      response.stream.on('close', () => { --stats.hanging; });
      return;
    case 'misdirected':
      response.statusCode = by === '2.0' ? 421 : 200;
      response.end(`by ${by}`);
      return;
    case 'http11required':
      if (by === '2.0') {
        response.stream.close(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED);
      } else {
        response.end(`by ${by}`);
      }
      return;
    case 'refuse':
      response.stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      return;
    case 'reset':
      response.writeHead(200);
      response.write('begun');
      setImmediate(() => response.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
      return;
    case 'stats':
      response.end(JSON.stringify(stats));
      return;
    default:
      response.statusCode = 404;
      response.end();
  }
}

const options = kind === 'plain' ? {} : {key: fs.readFileSync(argument('--key')), cert: fs.readFileSync(argument('--cert'))};
const server = kind === 'plain'    ? http2.createServer({settings}, answer)
               : kind === 'tls-h1' ? https.createServer(options, answer)
                                   : http2.createSecureServer({...options, allowHTTP1: true, settings}, answer);
server.on('session', watch);
server.on('sessionError', () => {});
server.on('checkContinue', (request, response) => {
  if (request.url === '/refused') {
    response.statusCode = 417;
    response.end();
    return;
  }
  response.writeContinue();
  answer(request, response);
});
server.on('upgrade', (request, socket) => {
  const accept = require('crypto').createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.on('data', (data) => socket.end(`heard ${data}`));
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
