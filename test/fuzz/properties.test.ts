import { connect } from 'node:net';
import { basename, dirname } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatJson, parseJson } from '../../src/base/json-text.js';
import { bytesField, bytesOf, intField, message, readFields } from '../../src/base/protobuf.js';
import { UniqueNames } from '../../src/base/unique-name.js';
import { buildHeader, parseHeader } from '../../src/checkpoint/safetensors-header.js';
import { foldedName, resultPath, resultStem } from '../../src/images/output-names.js';
import { renderReport } from '../../src/report/page.js';
import { ServedFile } from '../../src/serve/served-file.js';
import { startServer } from '../../src/serve/server.js';

const SEED = 20_211_106;
const settings = (numRuns: number) => ({ seed: SEED, numRuns });

describe('texts and messages', () => {
  test.prop([fc.jsonValue()], settings(300))(
    'JSON that is formatted is read again as the same value',
    (value) => {
      expect(parseJson(formatJson(value), 'a value')).toEqual(value);
    },
  );

  const field = fc.integer({ min: 1, max: 5000 });
  test.prop(
    [fc.array(fc.oneof(fc.tuple(field, fc.maxSafeNat()), fc.tuple(field, fc.uint8Array({ maxLength: 40 }))))],
    settings(300),
  )('fields of a protobuf message are read as they were written', (fields) => {
    const encoded = message(
      fields.map(([number, value]) =>
        typeof value === 'number' ? intField(number, value) : bytesField(number, value),
      ),
    );
    const read = readFields(bytesOf(encoded)).map(({ field, value }) => [
      field,
      typeof value === 'number' ? value : new Uint8Array(value),
    ]);
    expect(read).toEqual(fields);
  });

  const tensorName = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('__proto__', 'constructor', '"', '\\', '\u2028'),
  );
  test.prop(
    [
      fc.uniqueArray(fc.tuple(tensorName, fc.array(fc.nat(3), { maxLength: 3 })), {
        selector: ([name]) => name,
        maxLength: 8,
      }),
    ],
    settings(200),
  )('a safetensors header keeps all names and shapes', (tensors) => {
    const named = tensors.filter(([name]) => name !== '__metadata__');
    const stored = new Map(named.map(([name, shape]) => [name, { dtype: 'F32' as const, shape }]));
    const { bytes, entries } = buildHeader(stored, { note: '__proto__' });
    const end = Math.max(0, ...entries.map(({ endBytes }) => endBytes));
    const parsed = parseHeader('a file', bytes.subarray(8), bytes.byteLength + end);
    expect(parsed.metadata).toEqual({ note: '__proto__' });
    expect(new Map([...parsed.entries].map(([name, { shape }]) => [name, shape]))).toEqual(new Map(named));
  });
});

describe('names of results', () => {
  const stem = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(
      '..',
      '.',
      '',
      'a/../../b',
      '-rf',
      '%00',
      'CON',
      'é',
      'e\u0301',
      'ß',
      'SS',
      'ı',
      '\u202egnp',
      'x'.repeat(400),
    ),
  );
  test.prop(
    [fc.array(stem, { maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 120 })],
    settings(200),
  )(
    'lie in their folder, fit the disk, have no control characters and differ by more than case',
    (stems, label) => {
      const names = new UniqueNames(foldedName);
      const paths = stems.map((text) => {
        const name = names.take(resultStem(basename(text)));
        return resultPath('/out', name, { label: label.replace(/[^\p{L}\p{N}_ .-]/gu, '_') } as never);
      });
      for (const path of paths) {
        expect(dirname(path)).toBe('/out');
        expect(Buffer.byteLength(basename(path))).toBeLessThanOrEqual(255);
        expect(basename(path)).not.toMatch(/^\.|[\p{Cc}]/u);
      }
      expect(new Set(paths.map(foldedName)).size).toBe(paths.length);
    },
  );
});

describe('pages', () => {
  /** Names of a page's tags in order: markup in a text would add some. */
  const tagsOf = (html: string): string[] =>
    [...html.matchAll(/<\/?[a-z!][a-z0-9]*/gi)].map(([tag]) => tag.toLowerCase());
  const pageOf = (text: string): string =>
    renderReport({
      title: text,
      summary: text,
      facts: [{ label: text, value: text }],
      warnings: [text],
      measures: [{ name: text, explanation: text, trained: 1, untrained: 2, reference: 1, better: 'lower' }],
      commands: [{ title: text, explanation: text, lines: [text] }],
      tables: [{ title: text, columns: [text], rows: [[text]] }],
      config: { [text]: text },
    });
  const markup = fc
    .array(
      fc.oneof(
        fc.string(),
        fc.constantFrom('<script>', '</style>', '">', "'", '&', '<!--', ']]>', '\u2028', '<svg onload=x>'),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''));
  test.prop([markup], settings(200))('a report shows texts as texts, whatever they contain', (text) => {
    // An empty text leaves its element out.
    expect(tagsOf(pageOf(`x${text}`))).toEqual(tagsOf(pageOf('x')));
  });
});

describe('the server', () => {
  const FILE = new ServedFile('model/bundle.json', [Buffer.from('{}')]);

  /** The first line of the answer to a request's bytes. */
  function answerTo(port: number, host: string, request: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect({ port, host }, () => socket.end(request));
      socket.on('data', (bytes) => {
        answer += bytes.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer.split('\r\n')[0]!));
    });
  }

  const NAMES_OF_THIS_MACHINE = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d*)?$/i;
  const header = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.constantFrom(
      'evil.example',
      'localhost.evil.example',
      'localhost:80@evil.example',
      '127.0.0.1.evil.example',
      '[::1].evil.example',
      '127.1',
      '',
    ),
    fc.string({ unit: fc.constantFrom(...'abl.:@[]/%127 '), maxLength: 20 }),
  );
  test.prop(
    [
      fc.constantFrom('GET', 'HEAD', 'POST', '*', 'CONNECT'),
      header,
      fc.constantFrom('/model/bundle.json', '//', '/../model/bundle.json', '*', '/model/bundle.json?x'),
    ],
    settings(150),
  )('that is bound to this machine answers no request for another name', async (method, name, path) => {
    const server = await startServer({ files: [FILE], host: '127.0.0.1', port: 0 });
    try {
      const line = await answerTo(
        server.port,
        '127.0.0.1',
        `${method} ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
      );
      if (/ 200 /.test(line)) expect(name).toMatch(NAMES_OF_THIS_MACHINE);
    } finally {
      await server.close();
    }
  });

  it.for(['127.0.0.1', 'localhost', '127.1', '127.0.0.2', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1', '::1'])(
    'that is bound to %s answers no request for another name',
    async (host, { skip }) => {
      const server = await startServer({ files: [FILE], host, port: 0 }).catch(() => undefined);
      if (server === undefined) return skip('this machine has no such address');
      try {
        const request = 'GET /model/bundle.json HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n';
        const line = await answerTo(
          server.port,
          host.includes(':') && !host.includes('127') ? '::1' : host,
          request,
        );
        expect(line).toMatch(/^HTTP\/1\.1 421 /);
      } finally {
        await server.close();
      }
    },
  );
});
