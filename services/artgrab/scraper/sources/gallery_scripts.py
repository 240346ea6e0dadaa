"""What the gallery driver runs inside of pages: bodies of asynchronous functions.

They wait for conditions in the page itself, as a round trip through chromedriver takes about 10 ms.
"""

_COUNT = """
const count = xpath => document.evaluate(
  `count(${xpath})`, document, null, XPathResult.NUMBER_TYPE, null).numberValue;
const last = xpath => document.evaluate(
  `(${xpath})[last()]`, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue;
const until = (condition, seconds, longest = seconds) => new Promise(resolve => {
  const begun = performance.now();
  const look = () => {
    const waited = (performance.now() - begun) / 1000;
    const pending = (window.artgrabPending || 0) > 0;
    if (condition()) resolve(true);
    else if (waited > longest || (waited > seconds && !pending)) resolve(false);
    else setTimeout(look, 50);
  };
  look();
});
"""

FIRST_ITEMS = f"""{_COUNT}
const [items, seconds] = arguments;
return until(() => document.readyState !== 'loading' && count(items) > 0, seconds);
"""
"""(items, seconds): wait until there is an item."""

GROWTH = f"""{_COUNT}
const [items, known, seconds, longest] = arguments;
return until(() => count(items) !== known, seconds, longest);
"""
"""(items, known, seconds, longest): wait until the number of items differs from the known one.

Where the page is loading something after these seconds, it is waited for the longest.
"""

SCROLL = """
const step = Math.max(200, 0.8 * window.innerHeight);
const frame = () => new Promise(resolve => setTimeout(resolve, 40));
const end = performance.now() + 5000;
const bottom = document.scrollingElement.scrollHeight - window.innerHeight;
window.scrollBy({top: -step, behavior: 'instant'});
await frame();
while (window.scrollY < bottom - 1 && performance.now() < end) {
  const before = window.scrollY;
  window.scrollBy({top: step, behavior: 'instant'});
  await frame();
  if (window.scrollY <= before) break;
}
await frame();
"""
"""Scroll to what is the end now, step by step, so that all that is lazy comes into view.

It begins with a step back: scripts that listen need a movement even at the end of the page.
"""

MORE = f"""{_COUNT}
const [more, items] = arguments;
const found = () => document.evaluate(
  more, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue;
const usable = e => e && e.getClientRects().length > 0 && !e.disabled
  && getComputedStyle(e).visibility !== 'hidden';
await until(() => !found() || usable(found()), 2);
const element = found();
if (!usable(element)) return null;
const link = element.closest('a[href]');
const here = location.href.split('#')[0];
if (link && /^https?:/.test(link.href) && link.href.split('#')[0] !== here) return link.href;
window.artgrabLast = last(items);
element.click();
return 'pressed';
"""
"""(more, items): press the element, or return the address it leads to; null where none is."""

CHANGE = f"""{_COUNT}
const [items, known, seconds] = arguments;
return until(() => count(items) !== known || last(items) !== window.artgrabLast, seconds);
"""
"""(items, known, seconds): wait, after a press, for more items or for others in their place."""

HEADERS = """
const [names] = arguments;
const late = new Promise(resolve => setTimeout(resolve, 2000));
const request = fetch(location.href, {cache: 'only-if-cached', mode: 'same-origin'});
const answer = await Promise.race([request, late]).catch(() => null);
return answer ? names.map(name => answer.headers.get(name)) : null;
"""
"""(names): headers of the page's own answer, out of the browser's cache, without a request.

Null where the page is not in it (no-store), or its policy forbids scripts to read it.
"""
