// Lets Chromium's imitated GPUs pass for real ones in the page's worker, and takes them away at a chosen moment.
import type { Page } from 'playwright-core';

/** The moment of a loss: the nth call of a method while the worker runs a task. */
export interface LossMoment {
  api: 'webgl' | 'webgpu';
  task: string;
  /** Of WebGL2RenderingContext, or of GPUQueue. */
  method: string;
  nth: number;
}

export interface GpuFaults {
  losses?: readonly LossMoment[];
  /** Why textures hold 16 bits: the GPU can do no more, as on phones, or a flag of tfjs says so. */
  half?: 'gpu' | 'flag';
  /** APIs that the browser lacks. */
  missing?: readonly ('webgl' | 'webgpu' | 'wasm')[];
}

declare global {
  // Set by the script below in workers.
  var loseGpu: (api: 'webgl' | 'webgpu') => void;
}

/** Runs in the worker before its own code. */
function prepare({ losses = [], half, missing = [] }: GpuFaults): void {
  type Method = (this: object, ...args: unknown[]) => unknown;
  type Methods = Record<string, Method>;
  const scope = globalThis as unknown as Record<string, { prototype: Methods } | undefined>;
  const contexts: WebGL2RenderingContext[] = [];
  const devices: { destroy(): void }[] = [];
  // Imitated GPUs are slow to start, so that they get more than the page's ten seconds.
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((work: () => void, wait?: number) =>
    setTimeout(work, wait === 10_000 ? 600_000 : wait)) as typeof setTimeout;
  let task = '';
  const { href, origin, protocol } = globalThis.location;
  if (half === 'flag')
    Object.defineProperty(globalThis, 'location', {
      value: { href, origin, protocol, search: '?tfjsflags=WEBGL_FORCE_F16_TEXTURES:true' },
    });
  globalThis.addEventListener('message', ({ data }: MessageEvent<{ task: string }>) => {
    task = data.task;
  });
  const replace = (owner: string, name: string, make: (own: Method) => Method): void => {
    const methods = scope[owner]?.prototype;
    if (methods?.[name]) methods[name] = make(methods[name]);
  };
  globalThis.loseGpu = (api) => {
    if (api === 'webgpu') for (const device of devices) device.destroy();
    else
      for (const gl of contexts)
        if (!gl.isContextLost()) gl.getExtension('WEBGL_lose_context')!.loseContext();
  };
  replace(
    'OffscreenCanvas',
    'getContext',
    (own) =>
      function (kind, ...rest) {
        if (kind === 'webgl2' && missing.includes('webgl')) return null;
        const context = own.call(this, kind, ...rest);
        if (kind === 'webgl2' && context) contexts.push(context as WebGL2RenderingContext);
        return context;
      },
  );
  replace(
    'WebGL2RenderingContext',
    'getParameter',
    (own) =>
      function (...args) {
        const value = own.apply(this, args);
        return /swiftshader/i.test(String(value)) ? 'Graphics of a test' : value;
      },
  );
  replace(
    'WebGL2RenderingContext',
    'getExtension',
    (own) =>
      function (name) {
        return half === 'gpu' && name === 'EXT_color_buffer_float' ? null : own.call(this, name);
      },
  );
  replace(
    'GPU',
    'requestAdapter',
    (own) =>
      async function (...args) {
        const adapter = (await own.apply(this, args)) as object;
        // The real properties cannot be changed.
        return new Proxy(adapter, {
          get(target, name) {
            if (name === 'info') return { description: 'Graphics of a test' };
            const value = Reflect.get(target, name, target) as unknown;
            return typeof value === 'function' ? (value as Method).bind(target) : value;
          },
        });
      },
  );
  replace(
    'GPUAdapter',
    'requestDevice',
    (own) =>
      async function (...args) {
        const device = await own.apply(this, args);
        devices.push(device as { destroy(): void });
        return device;
      },
  );
  for (const { api, task: during, method, nth } of losses) {
    let left = nth;
    replace(
      api === 'webgl' ? 'WebGL2RenderingContext' : 'GPUQueue',
      method,
      (own) =>
        function (...args) {
          if (task === during && --left === 0) globalThis.loseGpu(api);
          return own.apply(this, args);
        },
    );
  }
  if (missing.includes('webgpu')) Object.defineProperty(navigator, 'gpu', { value: undefined });
  if (missing.includes('wasm')) Object.defineProperty(globalThis, 'WebAssembly', { value: undefined });
}

/** Makes the workers of a page run with these faults. Call it before the page opens. */
export async function withGpuFaults(page: Page, faults: GpuFaults): Promise<void> {
  await page.route(/\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    // An import comes before those of the worker.
    await route.fulfill({ response, body: `import './gpu-faults.js';\n${await response.text()}` });
  });
  await page.route('**/gpu-faults.js', (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      headers: { 'Cross-Origin-Embedder-Policy': 'require-corp' },
      body: `(${prepare.toString()})(${JSON.stringify(faults)});`,
    }),
  );
}
