// The import arrows of ARCHITECTURE.md: a room may import itself and the rooms listed here, nothing else.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';

const ARROWS = {
  core: [],
  net: [],
  'lastack/kernel': ['core'],
  'lastack/render': ['core'],
  'lastack/explain': ['core', 'lastack/render'],
  'lastack/gather': ['core', 'lastack/kernel'],
  'lastack/locate': ['core', 'lastack/kernel'],
  'lastack/trace': ['core', 'lastack/kernel'],
  'lastack/lab': ['core', 'net', 'lastack/gather', 'lastack/trace'],
  'lastack/run': ['core', 'lastack/kernel', 'lastack/gather', 'lastack/locate', 'lastack/render'],
  'lastack/cli': [
    'core',
    'lastack/kernel',
    'lastack/render',
    'lastack/explain',
    'lastack/gather',
    'lastack/locate',
    'lastack/lab',
    'lastack/run',
    'lastack/trace',
  ],
};

/** What the pure rooms may import from outside the project. */
const PURE_ROOMS = { core: [], 'lastack/render': ['node:util'], 'lastack/explain': [] };
const FFI_FILES = [
  'packages/lastack/src/kernel/ffi.ts',
  'packages/net/src/socket/unacked-bytes.ts',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const wrong = [];

for (const file of sources()) {
  const room = roomOf(file);
  if (!(room in ARROWS)) {
    wrong.push(`${file}: the room ${room} is not in the table of arrows`);
    continue;
  }
  for (const specifier of importsOf(join(root, file))) {
    const target = specifier.startsWith('.')
      ? roomOf(relative(root, join(root, dirname(file), specifier)))
      : specifier.replace(/^@lastack\//, '');
    const isRoom = specifier.startsWith('.') || specifier.startsWith('@lastack/');
    if (isRoom && target !== room && !ARROWS[room].includes(target)) {
      wrong.push(`${file}: ${room} must not import ${target}`);
    }
    if (!isRoom && PURE_ROOMS[room]?.includes(specifier) === false)
      wrong.push(`${file}: ${room} is pure, but imports ${specifier}`);
    if (/^(koffi|@koromix)/.test(specifier) && !FFI_FILES.includes(file)) {
      wrong.push(`${file}: only ${FFI_FILES.join(' and ')} may load the FFI`);
    }
  }
}

function sources() {
  return readdirSync(join(root, 'packages')).flatMap((name) =>
    readdirSync(join(root, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .map((path) => `packages/${name}/src/${path}`),
  );
}

/** `packages/core/src/tcp/state.ts` → `core`; `packages/lastack/src/kernel/ffi.ts` → `lastack/kernel`. */
function roomOf(file) {
  const [, name, , folder] = file.split('/');
  return name === 'lastack' ? `${name}/${folder}` : name;
}

/** What a file imports, statically or by import() and require(). */
function importsOf(file) {
  const specifiers = [];
  const visit = (_key, node) => {
    const source = /^(Import|Export)/.test(node?.type)
      ? node.source
      : node?.type === 'CallExpression' && node.callee.name === 'require' && node.arguments[0];
    if (typeof source?.value === 'string') specifiers.push(source.value);
    return typeof node === 'bigint' ? null : node;
  };
  JSON.stringify(parseAst(readFileSync(file, 'utf8'), { lang: 'ts' }), visit);
  return specifiers;
}

for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;
