import { isProxy } from 'node:util/types'
import { optionError, quoted } from './errors.js'

/**
 * A key that every copy of this package knows. npm may install two copies, and bundlers may create more. It is a string rather than a
 * symbol, because JSON and structured clones, for example to a worker, keep only strings.
 */
const MARK = 'pg-redshift-iam'

/** Marks an object as created by this package. The mark is enumerable, so that copies of the object have it, too. */
export const mark = (made: object): void => {
  Object.defineProperty(made, MARK, { value: true, enumerable: true })
}

/** Whether this copy or another copy of this package created the value. */
export const isMarked = (value: object): boolean => MARK in value

/** Whether an object has only enumerable properties of its own. Test runners have realms, each with its own `Object.prototype`. */
export function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value)
  // In this order, because pg passes an instance of a class for each connection, and asking for a Proxy is slow.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false
  return (prototype === null || Object.hasOwn(prototype, 'propertyIsEnumerable')) && !hidesAll(value)
}

/** Whether a Proxy lists no properties. It may still have some, which a copy would lose. */
const hidesAll = (value: object): boolean => isProxy(value) && Object.keys(value).length === 0

/** Describes an object that is not plain, for messages. */
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
 * Refuses everything except plain objects. Options are copied, and a copy of another object would be empty, so the login would be fetched
 * with defaults.
 * @param name the name of the value in messages: `redshift`
 * @param example an object that the message suggests instead
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function checkPlain(name: string, value: unknown, example = '{ host, database }'): asserts value is object {
  if (typeof value !== 'object' || value === null)
    throw optionError(`${name} is ${quoted(value)}. Pass a plain object, such as ${example}.`)
  if (isMarked(value) || Object(value.constructor).name === 'RedshiftCredentials')
    throw optionError(
      isPlain(value)
        ? `${name} is a copy of a RedshiftCredentials object, which is empty. Pass the object itself.`
        : `${name} is a RedshiftCredentials object from another copy of pg-redshift-iam, or a Proxy of one. Create it with the copy that uses it; \`npm ls pg-redshift-iam\` lists the copies.`,
    )
  if (isPlain(value)) return
  const kind = kindOf(value)
  throw optionError(
    kind === 'a promise'
      ? `${name} is a promise. Await it first.`
      : `${name} is ${kind}, and its options would be lost. Pass a plain object, such as ${example}.`,
  )
}

/**
 * Refuses unknown options, and everything except plain objects.
 * @param name the function with these options, for messages: `redisStore`
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`
 */
export function checkNames(name: string, options: unknown, names: readonly string[]): void {
  checkPlain(`The options object of ${name}`, options, `{ ${names.join(', ')} }`)
  for (const [option, value] of Object.entries(options))
    if (value !== undefined && !names.includes(option))
      throw optionError(`${name} has no option ${quoted(option)}. The options are ${names.join(', ')}.`)
}

type Properties = Readonly<Record<string, unknown>>

// Deeper than any option, and a limit for objects that contain themselves.
const DEPTH = 8

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const isCopied = (value: unknown): value is Properties => typeof value === 'object' && value !== null && isPlain(value)

/** Whether a plain object has methods. It may keep state, as a request handler or a logger does, so it is not copied. */
const hasMethods = (value: Properties): boolean => Object.values(value).some(part => typeof part === 'function')

function copyOf(value: unknown, depth: number): unknown {
  if (depth === 0) return value
  if (isList(value)) return value.map(part => copyOf(part, depth - 1))
  return isCopied(value) && !hasMethods(value) ? copyProperties(value, depth) : value
}

/** Copies properties, including non-enumerable ones. The copy has the value of a getter. */
function copyProperties(value: object, depth: number): Record<string, unknown> {
  const names = Object.getOwnPropertyNames(value)
  const copy = Object.fromEntries(names.map(name => [name, copyOf((value as Properties)[name], depth - 1)]))
  // Libraries for configuration add hidden methods to each object. They stay hidden, because they are not options.
  for (const name of names)
    if (typeof copy[name] === 'function' && !Object.prototype.propertyIsEnumerable.call(value, name))
      Object.defineProperty(copy, name, { enumerable: false })
  return copy
}

/**
 * Copies options, so that later changes of the original have no effect. Class instances, functions and objects with methods are not copied
 * but shared.
 */
export const copyPlain = <T extends object>(options: T): T => copyProperties(options, DEPTH) as T

/** Whether two copies are equal. Class instances, functions and objects with methods must be identical. */
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
