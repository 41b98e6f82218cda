// api-extractor's model of an entry → a page of Markdown, and what its comments leave out. Pure.

/** The areas of a page, in its order, by the folder of src/ that declares a symbol. */
const AREAS = {
  socket: 'Sockets',
  http: 'HTTP clients',
  graceful: 'Servers that stop',
  guard: 'The leak guard',
  '': 'Limits and errors',
};
const KINDS = ['Function', 'Class', 'Interface', 'TypeAlias'];

/** What a number may be: a time, an amount of data, a number that names something, or a count. */
const UNIT = /\b(ms|milliseconds|bytes?|port|descriptor|status code|from 1|family|asyncId)\b/i;
const COUNT = /\b(connections?|requests?|responses?|handshakes|handlers|sockets?)\b/i;

/**
 * @param specifier how the entry is imported
 * @param intro what the entry is for, as Markdown
 */
export function renderPage(model, specifier, intro) {
  const areas = areasOf(model);
  const linkTo = linksWithin(areas);
  const lines = [`# ${specifier}`, '', intro, ''];
  lines.push('<!-- Made from the comments in packages/net/src by scripts/api-docs.mjs. -->', '');
  const hasAreas = areas.length > 1;
  if (hasAreas) {
    lines.push('| area | functions and classes | types |', '| --- | --- | --- |');
    for (const { title, items } of areas) {
      const links = (isType) =>
        items.filter((item) => isTypeOnly(item) === isType).map((item) => linkTo(item));
      lines.push(`| ${title} | ${links(false).join(', ')} | ${links(true).join(', ')} |`);
    }
    lines.push('');
  }
  for (const { title, items } of areas) {
    if (hasAreas) lines.push(`## ${title}`, '');
    for (const item of items) lines.push(...renderItem(item, hasAreas ? '###' : '##'));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** @returns a line for each comment that is missing or says too little */
export function gapsOf(model) {
  return itemsOf(model).flatMap((item) => {
    const doc = docOf(item);
    const gaps = doc.text === '' ? [`${item.name}: no comment`] : [];
    if (item.kind === 'Function' && doc.throws.length === 0 && !/\bnever\b/.test(doc.text)) {
      gaps.push(`${item.name}: no @throws, and it does not say that it never throws`);
    }
    gaps.push(...gapsOfParameters(item, item.name));
    for (const member of membersOf(item)) gaps.push(...gapsOfMember(member, item));
    return gaps;
  });
}

function gapsOfMember(member, item) {
  const name = `${item.name}.${nameOf(member)}`;
  const { text, throws } = docOf(member);
  const parameters = gapsOfParameters(member, name);
  if (member.kind === 'Constructor') return parameters;
  if (text === '' && throws.length === 0) return [`${name}: no comment`, ...parameters];
  const isNumber = /\bnumber\b/.test(typeOf(member));
  const said = `${text} ${docOf(item).text}`;
  const hasUnit = /(Ms|Bytes)$/.test(member.name) || UNIT.test(said) || COUNT.test(text);
  return isNumber && !hasUnit ? [`${name}: a number without a unit`, ...parameters] : parameters;
}

function gapsOfParameters(callable, name) {
  const { params } = docOf(callable);
  return (callable.parameters ?? [])
    .filter((parameter) => /\bnumber\b/.test(excerpt(callable, parameter.parameterTypeTokenRange)))
    .filter(({ parameterName }) => !params.some((param) => param.startsWith(parameterName)))
    .map(({ parameterName }) => `${name}: no @param ${parameterName}`);
}

function areasOf(model) {
  const items = itemsOf(model);
  return Object.entries(AREAS)
    .map(([folder, title]) => ({
      title,
      items: items.filter((item) => folderOf(item) === folder).toSorted(inOrder),
    }))
    .filter((area) => area.items.length > 0);
}

function itemsOf(model) {
  return model.members[0].members;
}

function inOrder(a, b) {
  return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.name < b.name ? -1 : 1);
}

/** `.types/http/undici/timeout-dispatcher.d.ts` → `http`. */
function folderOf({ fileUrlPath }) {
  return /^[^/]+\/(?:([^/]+)\/)?/.exec(fileUrlPath)[1] ?? '';
}

function isTypeOnly({ kind }) {
  return kind === 'Interface' || kind === 'TypeAlias';
}

function titleOf({ kind, name }) {
  return kind === 'Function' ? `${name}()` : name;
}

/** GitHub numbers headings that differ in case only, as gracefulServer() and GracefulServer. */
function linksWithin(areas) {
  const links = new Map();
  const taken = new Map();
  for (const item of areas.flatMap(({ items }) => items)) {
    const anchor = item.name.toLowerCase();
    const count = taken.get(anchor) ?? 0;
    taken.set(anchor, count + 1);
    links.set(item, `[${titleOf(item)}](#${anchor}${count === 0 ? '' : `-${count}`})`);
  }
  return (item) => links.get(item);
}

function renderItem(item, heading) {
  const lines = [`${heading} ${titleOf(item)}`, '', ...code(excerptOf(item)), ...renderDoc(item)];
  const members = membersOf(item);
  const fields = members.filter(({ kind }) => kind.startsWith('Property'));
  if (fields.length > 0) {
    lines.push('| | type | |', '| --- | --- | --- |');
    for (const field of fields) {
      const { text, throws } = docOf(field);
      const said = [text, ...throws.map((error) => `Throws ${error}.`)].join(' ');
      lines.push(`| \`${field.name}\` | \`${cell(typeOf(field))}\` | ${cell(said)} |`);
    }
    lines.push('');
  }
  for (const member of members.filter((each) => !fields.includes(each))) {
    lines.push(`${heading}# ${item.name}: ${nameOf(member)}`, '');
    lines.push(...code(excerptOf(member)), ...renderDoc(member));
  }
  return lines;
}

function renderDoc(item) {
  const { text, params, returns, throws, examples } = docOf(item);
  const lines = text === '' ? [] : [text, ''];
  const list = [
    ...params.map((param) => `- ${param.replace(/^(\S+)( -)?/, '`$1`:')}`),
    ...returns.map((value) => `- Returns ${value}`),
    ...throws.map((error) => `- Throws ${error}`),
  ];
  if (list.length > 0) lines.push(...list, '');
  for (const example of examples) lines.push(...code(example));
  return lines;
}

function code(text) {
  return ['```ts', text, '```', ''];
}

/** On one line of a table. */
function cell(text) {
  return text
    .replaceAll('|', String.raw`\|`)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Members as a user sees them: without the name of an error's class, and without what must not be there. */
function membersOf(item) {
  const isError = item.kind === 'Class' && item.name.endsWith('Error');
  return (item.members ?? []).filter(
    (member) =>
      !/@internal\b/.test(member.docComment) &&
      !(isError && member.name === 'name') &&
      !typeOf(member).startsWith('never'),
  );
}

function nameOf({ kind, name }) {
  if (kind === 'Constructor') return 'constructor';
  return kind.startsWith('Method') ? `${name}()` : name;
}

function typeOf(member) {
  return member.propertyTypeTokenRange
    ? excerpt(member, member.propertyTypeTokenRange).replace(/ \| undefined$/, '')
    : '';
}

function excerptOf(item) {
  const text = excerpt(item, { startIndex: 0, endIndex: item.excerptTokens.length });
  return text.replace(/^export (declare )?/, '').trim();
}

function excerpt({ excerptTokens }, { startIndex, endIndex }) {
  return excerptTokens
    .slice(startIndex, endIndex)
    .map(({ text }) => text)
    .join('');
}

/** A comment in TSDoc's form: its text, and what its block tags say. */
export function docOf({ docComment = '' }) {
  const [text, ...blocks] = docComment
    .replaceAll(/^\/\*\*|\*\/\s*$/g, '')
    .replaceAll(/^[ \t]*\* ?/gm, '')
    .split(/(?:^|\s)@(?=(?:throws|param|returns|example|internal|packageDocumentation)\b)/);
  const all = (tag) =>
    blocks
      .filter((block) => block.startsWith(tag))
      .map((block) => block.slice(tag.length).trim())
      .filter((said) => said !== '');
  return {
    // What api-extractor says of its own accord of constructors says nothing.
    text: text.replace(/^\s*Constructs a new instance[^]*|@remarks[^]*/, '').trim(),
    params: all('param'),
    returns: all('returns'),
    throws: all('throws'),
    // api-extractor leaves one space of any indentation.
    examples: all('example').map((example) => example.replaceAll(/^ /gm, '  ')),
  };
}
