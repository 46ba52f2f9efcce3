import { resolve } from 'node:path';
import {
  Application,
  Comment,
  Logger,
  LogLevel,
  type ProjectReflection,
  ReflectionKind,
  TSConfigReader,
  TypeDocReader,
} from 'typedoc';
import { beforeAll, expect, it } from 'vitest';

class Collector extends Logger {
  readonly errors: string[] = [];

  override log(message: string, level: LogLevel): void {
    super.log(message, level);
    if (level >= LogLevel.Warn) this.errors.push(message);
  }
}

/** What `npm run docs` documents, and the errors that it reports. */
async function documented(): Promise<{ project: ProjectReflection; errors: string[] }> {
  const readers = [new TypeDocReader(), new TSConfigReader()];
  const app = await Application.bootstrap({ options: resolve('typedoc.json') }, readers);
  const logger = new Collector();
  app.logger = logger;
  const project = await app.convert();
  if (project === undefined) throw new Error(logger.errors.join('\n'));
  app.validate(project);
  for (const option of ['treatWarningsAsErrors', 'treatValidationWarningsAsErrors'] as const)
    expect(app.options.getValue(option)).toBe(true);
  return { project, errors: logger.errors };
}

let project: ProjectReflection;
let errors: string[];
beforeAll(async () => {
  ({ project, errors } = await documented());
});

/** The functions of both entry points. */
const functions = () =>
  project
    .getReflectionsByKind(ReflectionKind.CallSignature)
    .filter(({ parent }) => parent?.kind === ReflectionKind.Function);

it('everything that the two entry points export is documented without errors', () => {
  expect(errors).toEqual([]);
  expect(project.children?.map(({ name }) => name)).toEqual(['gans-n-roses', 'gans-n-roses/web']);
});

it('the two entry points export these functions', () => {
  expect(
    functions()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([
    'evaluate',
    'exportModel',
    'loadFaceFinder',
    'loadModel',
    'loadModel',
    'saveImage',
    'translate',
    'translate',
    'translateVideoFile',
  ]);
});

it('every exported function has an example that begins with its import', () => {
  expect(functions()).not.toEqual([]);
  for (const { name, comment } of functions()) {
    const example = comment?.getTag('@example')?.content;
    expect(Comment.combineDisplayParts(example), name).toMatch(/^```ts\nimport \{/);
  }
});
