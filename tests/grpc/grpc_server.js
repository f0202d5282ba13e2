// SPDX-License-Identifier: Apache-2.0
// The service of call.proto by grpc-js: `grpc_server.js [MAX_AGE_MS]`. Prints its port, then what becomes of calls.
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const definition = loader.loadSync(`${__dirname}/call.proto`, { keepCase: true });
const { Calls } = grpc.loadPackageDefinition(definition).gatewhy.test;

const options = { 'grpc.max_receive_message_length': -1 };
if (process.argv[2]) {
  options['grpc.max_connection_age_ms'] = Number(process.argv[2]);
  options['grpc.max_connection_age_grace_ms'] = 60000;
}
const say = (line) => process.stdout.write(`${line}\n`);
const deadlineOf = (call) => {
  const left = call.getDeadline() - Date.now();
  return Number.isFinite(left) ? Math.max(1, Math.round(left)) : 0;
};
const later = (order, then) => (order.wait_ms ? setTimeout(then, order.wait_ms) : then());
const failure = (order) => ({ code: order.count, details: `as ordered: 100% ü` });

function unary(call, done) {
  const order = call.request;
  call.on('cancelled', () => say('cancelled'));
  if (order.act === 'hang') {
    say('hangs');
    return;
  }
  later(order, () => (order.act === 'fail'
    ? done(failure(order))
    : done(null, { payload: order.payload, deadline_ms: deadlineOf(call) })));
}

function collect(call, done) {
  let number = 0;
  let last = {};
  call.on('cancelled', () => say('cancelled'));
  call.on('data', (order) => {
    number += 1;
    last = order;
    say('message');
  });
  call.on('end', () => later(last, () => done(null, { payload: last.payload, number })));
}

function expand(call) {
  const order = call.request;
  call.on('cancelled', () => say('cancelled'));
  call.write({ payload: order.payload, number: 1 });
  if (order.act === 'die') {
    setTimeout(() => process.exit(0), 50);  // the first answer is to leave
    return;
  }
  if (order.act === 'hang') {
    say('hangs');
    return;
  }
  later(order, () => {
    for (let number = 2; number <= order.count; number += 1) {
      call.write({ payload: order.payload, number });
    }
    call.end();
  });
}

// Metadata at once, so that a caller sees a head before the first message.
function talk(call) {
  call.sendMetadata(new grpc.Metadata());
  let number = 0;
  call.on('cancelled', () => say('cancelled'));
  call.on('data', (order) => {
    number += 1;
    if (order.act === 'fail') {
      call.emit('error', failure(order));
      return;
    }
    if (!call.write({ payload: order.payload, number })) {
      call.pause();
      call.once('drain', () => call.resume());
    }
  });
  call.on('end', () => call.end());
}

const server = new grpc.Server(options);
server.addService(Calls.service, { Unary: unary, Collect: collect, Expand: expand, Talk: talk });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  say(error ? String(error) : port);
});
