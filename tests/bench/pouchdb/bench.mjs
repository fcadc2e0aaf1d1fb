// Pushes records into an express-pouchdb in another process, and pulls them from there.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import express from 'express';
import expressPouchDB from 'express-pouchdb';
import PouchDB from 'pouchdb';

const options = { batch_size: 500 };

async function serve() {
  mkdirSync('server');
  const Server = PouchDB.defaults({ prefix: 'server/' });
  const app = express();
  app.use(expressPouchDB(Server, { logPath: 'server/log.txt', inMemoryConfig: true }));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send(server.address().port);
}

async function measured(work) {
  const begun = performance.now();
  const { ok, docs_written: written } = await work();
  return { ok, written, ms: performance.now() - begun };
}

async function measure(file) {
  const records = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => {
    const { id, ...rest } = JSON.parse(line);
    return { _id: id, ...rest };
  });
  const server = fork('bench.mjs', ['--serve']);
  const [port] = await once(server, 'message');
  const there = `http://127.0.0.1:${port}/book`;
  const [phone, third] = [new PouchDB('phone'), new PouchDB('third')];
  await phone.bulkDocs(records);
  const push = await measured(() => phone.replicate.to(there, options));
  const pull = await measured(() => third.replicate.from(there, options));
  server.kill();
  if (![push, pull].every(({ ok, written }) => ok && written === records.length)) {
    throw new Error(`${push.written} and ${pull.written} of ${records.length} records`);
  }
  console.log(JSON.stringify({ push_ms: push.ms, pull_ms: pull.ms }));
}

if (process.argv[2] === '--serve') {
  await serve();
} else {
  await measure(process.argv[2]);
  process.exit(0);
}
