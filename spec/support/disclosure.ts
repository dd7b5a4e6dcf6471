import { format, type InspectOptions, inspect } from 'node:util'

// Deeper than inspect goes by default, but bounded: sockets reference half of the process.
const DEEP = 8

const inspections: readonly InspectOptions[] = [
  {},
  { depth: 0, showHidden: true },
  { depth: DEEP, maxArrayLength: null, maxStringLength: null },
  { depth: DEEP, maxArrayLength: null, maxStringLength: null, showHidden: true },
  { depth: DEEP, maxArrayLength: null, maxStringLength: null, showHidden: true, getters: true },
  { depth: 4, showHidden: true, showProxy: true, compact: false, sorted: true },
]

/** Ways to turn a value into a string, as a log, an error page or an exporter may do. */
const texts: Readonly<Record<string, (value: unknown) => unknown>> = {
  ...Object.fromEntries(inspections.map(options => [inspect(options), (value: unknown) => inspect(value, options)])),
  format: value => format('%s %o %O %j', value, value, value, value),
  String: value => `${String(value)} ${value}`,
  JSON: value => JSON.stringify(value),
  'JSON without circular references': value => JSON.stringify(value, withoutCircles()),
  entries: value => Object.entries(Object(value)).map(([key, entry]) => `${key}=${String(entry)}`),
  stack: value => (value instanceof Error ? value.stack : undefined),
}

function withoutCircles(): (key: string, value: unknown) => unknown {
  const seen = new Set<unknown>()
  return (_, value) => {
    if (typeof value === 'bigint') return `${value}`
    if (typeof value !== 'object' || value === null) return value
    if (seen.has(value)) return undefined
    seen.add(value)
    return value
  }
}

/** A secret in plain text, and as a URL, a buffer or a header may contain it. Its two ends are enough to find it if it is cut. */
function traces(secret: string): string[] {
  const ends = [secret.slice(0, 24), secret.slice(-24)]
  const bytes = Buffer.from(secret)
  const encoded = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
  return [...ends, ...ends.map(encodeURIComponent), ...encoded.map(text => text.slice(0, 24))]
}

/** The parts of a value, by name. Hidden properties are included; getters are if a loop over the object reads them. */
function* parts(value: object): Iterable<[string, unknown]> {
  if (value instanceof Map || value instanceof Set)
    for (const [key, entry] of value.entries())
      yield* [
        ['key', key],
        ['entry', entry],
      ] as [string, unknown][]
  for (const key of Reflect.ownKeys(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key)
    if (descriptor && 'value' in descriptor) yield [String(key), descriptor.value]
  }
  // Including inherited properties.
  for (const key in value) yield [key, attempt(() => (value as Record<string, unknown>)[key])]
}

/** Every string and buffer that is reachable from a value, with its path. */
function* reachable(root: unknown): Iterable<[string, string]> {
  const seen = new Set<unknown>([globalThis, process])
  const todo: [string, unknown][] = [['', root]]
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [path, value] = next
    if (typeof value === 'string') yield [path, value]
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue
    seen.add(value)
    if (ArrayBuffer.isView(value)) yield [path, bytesOf(value).toString('latin1')]
    else for (const [key, part] of parts(value)) todo.push([`${path}.${key}`, part])
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

const attempt = (make: () => unknown): unknown => {
  try {
    return make()
  } catch {
    // A value that cannot be stringified or cloned reveals nothing that way.
    return undefined
  }
}

/** Where any representation of a value contains the secrets. Empty if nowhere. */
export function disclosures(value: unknown, secrets: readonly string[]): string[] {
  const wanted = secrets.flatMap(traces)
  const found = new Set<string>()
  const search = (where: string, text: unknown): void => {
    if (typeof text === 'string' && wanted.some(secret => text.includes(secret))) found.add(where)
  }
  const { noDeprecation = false } = process
  // Some of the getters emit deprecation warnings.
  process.noDeprecation = true
  for (const [name, text] of Object.entries(texts)) search(name, [attempt(() => text(value))].flat().join('\n'))
  for (const [path, text] of reachable(value)) search(`property ${path}`, text)
  const clone = attempt(() => structuredClone(value))
  for (const [path, text] of reachable(clone)) search(`clone ${path}`, text)
  process.noDeprecation = noDeprecation
  return [...found]
}
