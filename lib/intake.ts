import { isProxy } from 'node:util/types'
import { optionError, quoted } from './errors.js'

/**
 * Known to every copy of this package: npm may install two of them, and bundlers may make more. A string and no symbol, since a
 * structured clone (to a worker, say) and JSON keep nothing else.
 */
const MARK = 'pg-redshift-iam'

/** Marks an object as one of this package. The mark is enumerable, so that every copy of it has it too. */
export const mark = (made: object): void => {
  Object.defineProperty(made, MARK, { value: true, enumerable: true })
}

/** Whether a copy of this package, this one or another, has made the value. */
export const isMarked = (value: object): boolean => MARK in value

/** Whether an object has only its own properties, and lists them. Test runners have realms, each with an `Object.prototype` of its own. */
export function isPlain(value: object): boolean {
  if (hidesAll(value)) return false
  const prototype: object | null = Object.getPrototypeOf(value)
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'propertyIsEnumerable'))
  )
}

/** A Proxy may have properties that it does not list: a copy would be empty. */
const hidesAll = (value: object): boolean => isProxy(value) && Object.keys(value).length === 0

/** What an object is that is not plain. */
function kindOf(value: object): string {
  if ('then' in value && typeof value.then === 'function') return 'a promise'
  if (Array.isArray(value)) return 'an array'
  if (hidesAll(value)) return 'a Proxy that lists no properties'
  const { name } = Object(value.constructor) as { name?: unknown }
  return typeof name === 'string' && /^\w{1,40}$/.test(name) && name !== 'Object'
    ? `an instance of ${name}`
    : 'an object with inherited properties'
}

/**
 * Refuses everything but a plain object. Options are copied, and a copy of anything else would be empty: the login would be
 * fetched for whatever the defaults say.
 * @param name what the value is, for messages: `redshift`
 * @param example what to write instead
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function checkPlain(name: string, value: unknown, example = '{ host, database }'): asserts value is object {
  if (typeof value !== 'object' || value === null)
    throw optionError(`${name} is ${quoted(value)}. Give a plain object of options.`)
  if (isMarked(value) || Object(value.constructor).name === 'RedshiftCredentials')
    throw optionError(
      isPlain(value)
        ? `${name} is a copy of a RedshiftCredentials object, which holds nothing. Give the object itself.`
        : `${name} is a RedshiftCredentials object from another copy of pg-redshift-iam, or a Proxy of one. Give an object of the copy that uses it; \`npm ls pg-redshift-iam\` lists the copies.`,
    )
  if (isPlain(value)) return
  const kind = kindOf(value)
  throw optionError(
    kind === 'a promise'
      ? `${name} is a promise. Await it first.`
      : `${name} is ${kind}, whose options would be lost. Give a plain object, such as ${example}.`,
  )
}

/**
 * Refuses options that there are not, and everything but a plain object of options.
 * @param name whose options they are, for messages: `redisStore`
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function checkNames(name: string, options: unknown, names: readonly string[]): void {
  checkPlain(`The options object of ${name}`, options, `{ ${names.join(', ')} }`)
  for (const [option, value] of Object.entries(options))
    if (value !== undefined && !names.includes(option))
      throw optionError(`${name} has no option ${quoted(option)}. The options are ${names.join(', ')}.`)
}

type Properties = Readonly<Record<string, unknown>>

// Far below any option, and the end of an object that contains itself.
const DEPTH = 8

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const isCopied = (value: unknown): value is Properties => typeof value === 'object' && value !== null && isPlain(value)

/** A plain object with methods keeps a state of its own, as a request handler or a logger may. */
const hasMethods = (value: Properties): boolean => Object.values(value).some(part => typeof part === 'function')

function copyOf(value: unknown, depth: number): unknown {
  if (depth === 0) return value
  if (isList(value)) return value.map(part => copyOf(part, depth - 1))
  return isCopied(value) && !hasMethods(value) ? copyProperties(value, depth) : value
}

/** Hidden properties are copied as well, and getters are called once. */
function copyProperties(value: object, depth: number): Record<string, unknown> {
  const names = Object.getOwnPropertyNames(value)
  return Object.fromEntries(names.map(name => [name, copyOf((value as Properties)[name], depth - 1)]))
}

/**
 * A copy of options that later changes of the original do not reach. Class instances, functions and objects with methods are
 * ready-made: the copy has the same ones.
 */
export const copyPlain = <T extends object>(options: T): T => copyProperties(options, DEPTH) as T

/** Whether two copies say the same. What is ready-made has to be identical. */
export function isSame(one: unknown, other: unknown, depth = DEPTH): boolean {
  if (Object.is(one, other)) return true
  if (depth === 0) return false
  if (isList(one)) return isList(other) && isSame({ ...one }, { ...other }, depth)
  if (!isCopied(one) || !isCopied(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every(name => Object.hasOwn(other, name) && isSame(one[name], other[name], depth - 1))
  )
}
