// SPDX-License-Identifier: Apache-2.0
// Calls of call.proto by grpc-js: `grpc_client.js STORY PORT`. Prints what came of them as JSON.
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const definition = loader.loadSync(`${__dirname}/call.proto`, { keepCase: true });
const { Calls } = grpc.loadPackageDefinition(definition).gatewhy.test;

const [story, port] = process.argv.slice(2);
const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
const client = new Calls(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), unlimited);
const text = (word) => Buffer.from(word);
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function unary(order, options = {}) {
  return new Promise((resolve) => {
    const call = client.Unary(order, new grpc.Metadata(), options, (error, answer) => resolve({
      code: error ? error.code : 0,
      details: error ? error.details : '',
      payload: answer ? answer.payload.toString() : '',
      deadline_ms: answer ? answer.deadline_ms : 0,
      ended_by: error && error.metadata ? error.metadata.get('x-request-id').length : 0,
    }));
    if (options.onCall) options.onCall(call);
  });
}

// Answers until the end; `during` writes and may cancel.
function stream(call, during = () => {}) {
  return new Promise((resolve) => {
    const seen = { answers: 0, octets: 0, head: false };
    call.on('metadata', () => { seen.head = true; seen.head_before_answers = seen.answers === 0; });
    call.on('data', (answer) => { seen.answers += 1; seen.octets += answer.payload.length; if (seen.each) seen.each(); });
    call.on('error', () => {});
    call.on('status', (status) => resolve({ ...seen, each: undefined, code: status.code, details: status.details }));
    during(call, seen);
  });
}

function collect(orders, silence = 0) {
  return new Promise((resolve) => {
    const call = client.Collect((error, answer) => resolve({
      code: error ? error.code : 0, details: error ? error.details : '', number: answer ? answer.number : 0,
    }));
    (async () => {
      for (const order of orders) {
        await soon(silence);
        call.write(order);
      }
      await soon(silence);
      call.end();
    })();
  });
}

const silence = 1500;
const stories = {
  unary: () => unary({ payload: text('ping') }),
  collect: () => collect([{ payload: text('a') }, { payload: text('b') }, { payload: text('c') }]),
  expand: () => stream(client.Expand({ payload: text('x'), count: 5 })),
  talk: () => stream(client.Talk(), async (call, seen) => {
    // Each message after the answer to the one before: nothing may hold one back.
    for (let i = 0; i < 5; i += 1) {
      const answered = new Promise((resolve) => { seen.each = resolve; });
      call.write({ payload: text('x') });
      await answered;
    }
    call.end();
  }),
  own_5: () => unary({ act: 'fail', count: 5 }),
  own_13: () => unary({ act: 'fail', count: 13 }),
  talk_fails: () => stream(client.Talk(), (call, seen) => {
    seen.each = () => call.write({ act: 'fail', count: 10 });
    call.write({ payload: text('x') });
  }),
  deadline: () => unary({ act: 'hang' }, { deadline: Date.now() + 400 }),
  cancel: () => unary({ act: 'hang' }, { onCall: (call) => setTimeout(() => call.cancel(), 300) }),
  cancel_streaming: () => stream(client.Expand({ payload: text('x'), act: 'hang' }), (call, seen) => {
    seen.each = () => call.cancel();
  }),
  die: () => stream(client.Expand({ payload: text('x'), act: 'die' })),
  // Longer than client_body_timeout, response_idle and response_head together.
  silent_before: () => stream(client.Talk(), async (call, seen) => {
    await soon(silence);
    seen.each = () => call.end();
    call.write({ payload: text('x') });
  }),
  silent_between: () => stream(client.Talk(), (call, seen) => {
    seen.each = async () => {
      seen.each = () => call.end();
      await soon(silence);
      call.write({ payload: text('x') });
    };
    call.write({ payload: text('x') });
  }),
  silent_collect: () => collect([{ payload: text('a') }, { payload: text('b') }], silence),
  silent_expand: () => stream(client.Expand({ payload: text('x'), count: 2, wait_ms: silence })),
  silent_unary: () => unary({ payload: text('x'), wait_ms: silence }, { deadline: Date.now() + 40000 }),
  talk_silent: () => stream(client.Talk(), (call) => call.write({ payload: text('x') })),
  // 100 MiB each way, in messages of 64 KiB.
  big: () => stream(client.Talk(), (call) => {
    const payload = Buffer.alloc(64 * 1024, 'x');
    let left = 1600;
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!call.write({ payload })) {
          call.once('drain', more);
          return;
        }
      }
      call.end();
    };
    more();
  }),
  // Eight callers, each with one call after the other.
  load: async () => {
    const codes = {};
    const until = Date.now() + 3000;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (Date.now() < until) {
        const { code, details } = await unary({ payload: text('x') });
        codes[code] = (codes[code] || 0) + 1;
        if (code !== 0) codes.details = details;
      }
    }));
    return codes;
  },
};

stories[story]().then((told) => {
  console.log(JSON.stringify(told));
  client.close();
});
