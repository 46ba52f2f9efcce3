/** What the address asks for: `?model=URL`. */
const asked = new URLSearchParams(location.search).get('model');

function addressOf(text: string): URL | undefined {
  try {
    const url = new URL(text, document.baseURI);
    return /^https?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the address names a model. */
export const isModelAsked = Boolean(asked);

/** Where the model is: what was asked for, or the folder beside the page; undefined where that is no web address. */
export const modelUrl: URL | undefined = addressOf(asked || 'model/');

/** The folder of an address, as a source in a policy; the whole host where it cannot be written as one. */
function policySource(address: URL): string {
  const folder = new URL('.', address);
  folder.search = '';
  const isPlain = /^[\w\-./~%]*$/.test(folder.pathname);
  return isPlain ? `${folder.origin}${folder.pathname}` : folder.origin;
}

/** The host of the model, where it is not this page's. */
export const otherHost: string | undefined =
  modelUrl && modelUrl.origin !== location.origin ? modelUrl.host : undefined;

/**
 * From here on, the browser itself refuses every connection but those to this page's host, and to the folder of a model
 * elsewhere that the address names. The rest of the policy is in index.html.
 */
function forbidConnections(): void {
  const meta = document.createElement('meta');
  meta.httpEquiv = 'Content-Security-Policy';
  const others = modelUrl && otherHost ? ` ${policySource(modelUrl)}` : '';
  meta.content = `connect-src 'self'${others}`;
  document.head.append(meta);
}

forbidConnections();
