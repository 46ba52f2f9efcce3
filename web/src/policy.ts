// Restricts what the page may connect to; runs before everything else.
/** The model in the page's address: `?model=URL`. */
const requested = new URLSearchParams(location.search).get('model');

function addressOf(text: string): URL | undefined {
  try {
    const url = new URL(text, document.baseURI);
    return /^https?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the page's address names a model. */
export const isModelRequested = Boolean(requested);

/** Address of the model: the requested one, or the folder beside the page; undefined if it is not a web address. */
export const modelUrl: URL | undefined = addressOf(requested || 'model/');

/** Returns the folder of an address as a source in a policy, or the whole host if the folder cannot be written there. */
function policySource(address: URL): string {
  const folder = new URL('.', address);
  folder.search = '';
  const isPlain = /^[\w\-./~%]*$/.test(folder.pathname);
  return isPlain ? `${folder.origin}${folder.pathname}` : folder.origin;
}

/** Host of the model if it differs from this page's. */
export const otherHost: string | undefined =
  modelUrl && modelUrl.origin !== location.origin ? modelUrl.host : undefined;

/**
 * Makes the browser refuse all connections except to this page's host, and to the folder of a model elsewhere that the address
 * names. The rest of the policy is in index.html.
 */
function forbidConnections(): void {
  const meta = document.createElement('meta');
  meta.httpEquiv = 'Content-Security-Policy';
  const modelSource = modelUrl && otherHost ? ` ${policySource(modelUrl)}` : '';
  meta.content = `connect-src 'self'${modelSource}`;
  document.head.append(meta);
}

forbidConnections();
