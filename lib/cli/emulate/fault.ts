import { isMillis, MAX_MILLIS } from '../../emulator/faults.js'
import type { EmulatedOperation, Fault, FaultScope } from '../../emulator/index.js'
import { UsageError } from '../terminal/failure.js'

/** A fault as `--fail` and the control endpoint take it: the fields of the fault and of its scope in one object. */
export interface FaultRequest {
  readonly fault: Fault
  readonly scope: FaultScope
}

/** What a field takes: a kind of value, or one of a few words. */
type Field = 'count' | 'millis' | 'number' | 'text' | 'flag' | readonly string[]

type Kind = Fault['kind']

// As records, so that the compiler misses none.
const MALFORMED: Readonly<Record<Extract<Fault, { kind: 'malformed' }>['how'], true>> = {
  'no-user': true,
  'empty-user': true,
  'no-password': true,
  'empty-password': true,
  'no-expiration': true,
  'nan-expiration': true,
  'past-expiration': true,
  'far-expiration': true,
  truncated: true,
  'not-a-document': true,
  'empty-body': true,
}

const OPERATIONS: Readonly<Record<EmulatedOperation, true>> = {
  GetClusterCredentials: true,
  GetClusterCredentialsWithIAM: true,
  DescribeClusters: true,
  DescribeCustomDomainAssociations: true,
  GetCredentials: true,
  GetIdentityCenterAuthToken: true,
  GetWorkgroup: true,
  GetCallerIdentity: true,
}

/** The fields of each kind. A question mark: it may be left out. */
const KINDS: Readonly<Record<Kind, Readonly<Record<string, Field>>>> = {
  hold: {},
  latency: { millis: 'millis' },
  hang: {},
  reset: {},
  throttling: { 'retryAfterSeconds?': 'number' },
  'internal-error': { 'retryAfterSeconds?': 'number' },
  'access-denied': {},
  'expired-token': {},
  'invalid-token': {},
  'signature-mismatch': {},
  'not-found': {},
  unsupported: {},
  validation: { 'message?': 'text' },
  malformed: { how: Object.keys(MALFORMED) },
  creating: {},
  'same-expiry': { 'samePassword?': 'flag' },
  'clock-skew': { seconds: 'number' },
  'no-date': {},
  'stale-date': { ageSeconds: 'number' },
  'reject-login': { 'sqlstate?': 'text', 'message?': 'text' },
  'login-latency': { millis: 'millis' },
  'login-hang': {},
  'login-reset': {},
  'no-hba-entry': {},
  resuming: { 'millis?': 'millis', 'ends?': ['login', 'reset'] },
}

const SCOPE: Readonly<Record<string, Field>> = {
  'times?': 'count',
  'operation?': Object.keys(OPERATIONS),
  'target?': 'text',
}

/** The value of `--fail`: `throttling,times=3`, or the same as JSON: `{"kind":"throttling","times":3}`. */
export function faultOfFlag(value: string): FaultRequest {
  if (value.startsWith('{')) return faultOf(parseJson(value))
  const [kind = '', ...pairs] = value.split(',')
  const fields = pairs.map(pair => {
    const [name = '', ...rest] = pair.split('=')
    return [name, rest.join('=')] as const
  })
  const twice = fields.find(([name], at) => fields.findIndex(([other]) => other === name) < at)
  if (twice) throw new UsageError(`The fault ${kind} has the field ${shown(twice[0])} twice. Leave one out.`)
  return faultOf({ kind, ...Object.fromEntries(fields) })
}

/**
 * Reads a fault with its scope from a document. Words are taken for numbers where a number is wanted.
 * @throws UsageError that names what is wrong, and what may stand there
 */
export function faultOf(document: unknown): FaultRequest {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new UsageError('A fault is a JSON object. Write it as {"kind":"throttling","times":3}.')
  const given: Readonly<Record<string, unknown>> = { ...document }
  if (!isKind(given.kind))
    throw new UsageError(`There is no fault ${shown(given.kind)}. The kinds are ${Object.keys(KINDS).join(', ')}.`)
  const kind = given.kind
  const fields = { ...KINDS[kind], ...SCOPE }
  const names = Object.keys(fields).map(bare)
  const unknown = Object.keys(given).find(name => name !== 'kind' && !names.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`The fault ${kind} has no field ${shown(unknown)}. Its fields are ${names.join(', ')}.`)
  const scope: Record<string, unknown> = {}
  const own: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const value = read(kind, name, field, given[bare(name)])
    if (value !== undefined) (name in SCOPE ? scope : own)[bare(name)] = value
  }
  // Checked field by field against the table above, which has every kind.
  return { fault: { kind, ...own } as Fault, scope }
}

function read(kind: Kind, name: string, field: Field, value: unknown): unknown {
  if (value === undefined) {
    if (isOptional(name)) return undefined
    throw new UsageError(`The fault ${kind} needs ${name}. Write ${kind},${name}=${example(field)}.`)
  }
  const read = readAs(field, value)
  if (read === undefined)
    throw new UsageError(`The field ${bare(name)} cannot be ${shown(value)}. It is ${described(field)}.`)
  return read
}

function readAs(field: Field, value: unknown): unknown {
  switch (field) {
    case 'number':
      return numberOf(value)
    case 'count': {
      const count = numberOf(value)
      return count !== undefined && Number.isInteger(count) && count >= 1 ? count : undefined
    }
    case 'millis': {
      const millis = numberOf(value)
      return isMillis(millis) ? millis : undefined
    }
    case 'flag':
      return flagOf(value)
    default:
      return wordOf(field, value)
  }
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

function flagOf(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}

function wordOf(field: Field, value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  return typeof field === 'string' || field.includes(value) ? value : undefined
}

function described(field: Field): string {
  if (field === 'number') return 'a number'
  if (field === 'millis') return `a number from 0 to ${MAX_MILLIS}`
  if (field === 'count') return 'a whole number from 1'
  if (field === 'flag') return 'true or false'
  return field === 'text' ? 'a string' : `one of ${field.join(', ')}`
}

function example(field: Field): string {
  if (field === 'number' || field === 'millis') return '500'
  return typeof field === 'string' ? 'true' : (field[0] ?? '')
}

const isKind = (kind: unknown): kind is Kind => typeof kind === 'string' && Object.hasOwn(KINDS, kind)
const isOptional = (name: string): boolean => name.endsWith('?')
const bare = (name: string): string => name.replace(/\?$/, '')
const shown = (value: unknown): string => JSON.stringify(value) ?? 'without a kind'

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError('The fault is not valid JSON. Write it as {"kind":"throttling","times":3}.')
  }
}
