import { describe, expect, it } from 'vitest';
import { escapeHtml, htmlPage } from '../../src/report/html.js';
import { dataAddress, factList, warningBox } from '../../src/report/parts.js';

const EVIL = `"><script>alert('&')</script>`;
const SAFE = '&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;';

it('escapes what could end a text or an attribute', () => expect(escapeHtml(EVIL)).toBe(SAFE));

it('makes a page whose title is a text, and that may load nothing', () => {
  const html = htmlPage(EVIL, '', '<p>text</p>');
  expect(html).toContain(`<title>${SAFE}</title>`);
  expect(html).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
  expect(html).toContain('<main>\n<p>text</p>\n</main>');
});

describe('parts', () => {
  it('are empty without contents', () => {
    expect(factList([])).toBe('');
    expect(warningBox('Warnings', [])).toBe('');
  });

  it('escape their texts', () => {
    expect(factList([{ label: EVIL, value: EVIL }])).toBe(
      `<dl class="facts"><div><dt>${SAFE}</dt><dd>${SAFE}</dd></div></dl>`,
    );
    expect(warningBox(EVIL, [EVIL])).toBe(
      `<aside class="warnings" aria-label="${SAFE}"><h2>${SAFE}</h2><ul><li>${SAFE}</li></ul></aside>`,
    );
  });

  it('hold a file as an address', () => {
    expect(dataAddress({ bytes: new Uint8Array([1, 2, 255]), type: 'image/webp' })).toBe(
      'data:image/webp;base64,AQL/',
    );
  });
});
