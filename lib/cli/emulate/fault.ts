import { isMillis, MAX_MILLIS } from '../../emulator/faults.js'
import type { EmulatedOperation, Fault, FaultScope } from '../../emulator/index.js'
import { UsageError } from '../terminal/failure.js'

/** A fault and its scope. `--fail` and the control endpoint accept the fields of both in one object. */
export interface FaultRequest {
  readonly fault: Fault
  readonly scope: FaultScope
}

/** The type of a field, or its possible values. */
type Field = 'count' | 'millis' | 'number' | 'string' | 'boolean' | readonly string[]

type Kind = Fault['kind']

type Malformation = Extract<Fault, { kind: 'malformed' }>['how']

// Records, so that the compiler checks that they are complete.
const MALFORMED: Readonly<Record<Malformation, true>> = {
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

/** The ways in which a response can be malformed. */
export const malformations = Object.keys(MALFORMED) as [Malformation, ...Malformation[]]

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

/** The fields of each kind. Those with a question mark are optional. */
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
  validation: { 'message?': 'string' },
  malformed: { how: malformations },
  creating: {},
  'same-expiry': { 'samePassword?': 'boolean' },
  'clock-skew': { seconds: 'number' },
  'no-date': {},
  'stale-date': { ageSeconds: 'number' },
  'reject-login': { 'sqlstate?': 'string', 'message?': 'string' },
  'login-latency': { millis: 'millis' },
  'login-hang': {},
  'login-reset': {},
  'no-hba-entry': {},
  resuming: { 'millis?': 'millis', 'ends?': ['login', 'reset'] },
}

const SCOPE: Readonly<Record<string, Field>> = {
  'times?': 'count',
  'operation?': Object.keys(OPERATIONS),
  'target?': 'string',
}

/** Parses the value of `--fail`: `throttling,times=3`, or JSON, `{"kind":"throttling","times":3}`. */
export function parseFault(value: string): FaultRequest {
  if (value.startsWith('{')) return toFault(parseJson(value))
  const [kind = '', ...pairs] = value.split(',')
  const fields = pairs.map(pair => {
    const [name = '', ...rest] = pair.split('=')
    return [name, rest.join('=')] as const
  })
  const repeated = fields.find(([name], index) => fields.findIndex(([other]) => other === name) < index)
  if (repeated) throw new UsageError(`The fault ${kind} has the field ${quote(repeated[0])} twice. Leave one out.`)
  return toFault({ kind, ...Object.fromEntries(fields) })
}

/**
 * Validates a fault with its scope. Strings are converted to the types of the fields.
 * @throws UsageError with the invalid field and its possible values
 */
export function toFault(document: unknown): FaultRequest {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new UsageError('The fault is not a JSON object. Write it as {"kind":"throttling","times":3}.')
  const given: Readonly<Record<string, unknown>> = { ...document }
  const { kind } = given
  const kinds = Object.keys(KINDS).join(', ')
  if (kind === undefined) throw new UsageError(`The fault has no kind. The kinds are ${kinds}.`)
  if (!isKind(kind)) throw new UsageError(`There is no fault ${quote(kind)}. The kinds are ${kinds}.`)
  const fields = { ...KINDS[kind], ...SCOPE }
  const names = Object.keys(fields).map(nameOf)
  const unknown = Object.keys(given).find(name => name !== 'kind' && !names.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`The fault ${kind} has no field ${quote(unknown)}. Its fields are ${names.join(', ')}.`)
  const scope: Record<string, unknown> = {}
  const own: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const value = readField(kind, name, field, given[nameOf(name)])
    if (value !== undefined) (name in SCOPE ? scope : own)[nameOf(name)] = value
  }
  // Every field was validated with the table above.
  return { fault: { kind, ...own } as Fault, scope }
}

function readField(kind: Kind, name: string, field: Field, value: unknown): unknown {
  if (value === undefined) {
    if (isOptional(name)) return undefined
    throw new UsageError(`The fault ${kind} needs ${name}. Write ${kind},${name}=${example(field)}.`)
  }
  const converted = convert(field, value)
  if (converted === undefined)
    throw new UsageError(`The field ${nameOf(name)} is ${quote(value)}. Set it to ${describe(field)}.`)
  return converted
}

function convert(field: Field, value: unknown): unknown {
  switch (field) {
    case 'number':
      return toNumber(value)
    case 'count': {
      const count = toNumber(value)
      return count !== undefined && Number.isInteger(count) && count >= 1 ? count : undefined
    }
    case 'millis': {
      const millis = toNumber(value)
      return isMillis(millis) ? millis : undefined
    }
    case 'boolean':
      return toBoolean(value)
    default:
      return allowedString(field, value)
  }
}

function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

function toBoolean(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}

function allowedString(field: Field, value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  return typeof field === 'string' || field.includes(value) ? value : undefined
}

function describe(field: Field): string {
  if (field === 'number') return 'a number'
  if (field === 'millis') return `a number from 0 to ${MAX_MILLIS}`
  if (field === 'count') return 'a whole number from 1'
  if (field === 'boolean') return 'true or false'
  return field === 'string' ? 'a string' : `one of ${field.join(', ')}`
}

function example(field: Field): string {
  if (field === 'number' || field === 'millis') return '500'
  return typeof field === 'string' ? 'true' : (field[0] ?? '')
}

const isKind = (kind: unknown): kind is Kind => typeof kind === 'string' && Object.hasOwn(KINDS, kind)
const isOptional = (name: string): boolean => name.endsWith('?')
const nameOf = (name: string): string => name.replace(/\?$/, '')
const quote = (value: unknown): string => JSON.stringify(value)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError('The fault is not valid JSON. Write it as {"kind":"throttling","times":3}.')
  }
}
