import { isMillis, MAX_MILLIS } from '../../emulator/faults.js'
import type { ActiveFault, RedshiftEmulator } from '../../emulator/index.js'
import { type FaultRequest, toFault } from './fault.js'
import { RequestError } from './request-error.js'

export interface ControlRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Undefined if there is none. */
  readonly body: unknown
}

/** A fault with its number in the paths. */
interface NumberedFault extends FaultRequest {
  readonly id: number
  readonly active: ActiveFault
  /** Resolves when the fault is cleared, so that nobody waits for further hits. */
  readonly cleared: Promise<void>
  clear(): void
}

type Handler = (request: ControlRequest, id: string | undefined) => unknown

/** The paths of the control endpoint. Each calls a method of the emulator's API. */
export class ControlRoutes {
  readonly #emulator: RedshiftEmulator
  readonly #faults = new Map<number, NumberedFault>()
  #lastId = 0

  constructor(emulator: RedshiftEmulator) {
    this.#emulator = emulator
  }

  /** The handlers by path and method. `*` is the number of a fault. */
  readonly #routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    '/': { GET: () => this.#status() },
    '/faults': {
      GET: () => [...this.#faults.values()].map(describe),
      POST: ({ body }) => this.add(toFault(body)),
      DELETE: () => this.#clearAll(),
    },
    '/faults/*': {
      GET: ({ query }, id) => this.#waitForHits(this.#fault(id), query.get('reached')),
      DELETE: (_, id) => this.#clear(this.#fault(id)),
    },
    '/calls': { GET: () => this.#emulator.calls, DELETE: () => clear(this.#emulator.calls) },
    '/logins': { GET: () => this.#emulator.logins, DELETE: () => clear(this.#emulator.logins) },
    '/identity': {
      PUT: ({ body }) => {
        this.#emulator.identity = stringField(fieldsOf(body, 'identity'), 'identity')
      },
    },
    '/revoke-logins': { POST: () => this.#emulator.revokeLogins() },
    '/restart': {
      POST: ({ body }) =>
        this.#emulator.restart({ downMillis: millisField(fieldsOf(body, 'downMillis'), 'downMillis') ?? 0 }),
    },
    '/query': {
      POST: ({ body }) => {
        const fields = fieldsOf(body, 'sql', 'database')
        return this.#emulator.query(stringField(fields, 'sql'), optionalStringField(fields, 'database'))
      },
    },
  }

  /** Returns the response as a JSON value; undefined if it has no body. */
  async handle(request: ControlRequest): Promise<unknown> {
    const id = /^\/faults\/(\d+)$/.exec(request.path)?.[1]
    const path = id === undefined ? request.path : '/faults/*'
    const methods = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined
    if (!methods)
      throw new RequestError(404, `There is no ${path}. The paths are ${Object.keys(this.#routes).join(', ')}.`)
    const handler = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
    if (!handler)
      throw new RequestError(405, `${path} has no ${request.method}, only ${Object.keys(methods).join(', ')}.`)
    const stray = [...request.query.keys()].find(name => !(name === 'reached' && id !== undefined))
    if (stray !== undefined)
      throw new RequestError(400, `${path} has no parameter ${stray}. Only /faults/ID has one: reached.`)
    return handler(request, id)
  }

  #status(): unknown {
    const { address, endpoint, identity, connections } = this.#emulator
    return { address, endpoint, identity, connections }
  }

  add({ fault, scope }: FaultRequest): unknown {
    const active = this.#emulator.fail(fault, scope)
    this.#lastId += 1
    let clear = (): void => {}
    const cleared = new Promise<void>(resolve => {
      clear = () => {
        active.clear()
        resolve()
      }
    })
    const added: NumberedFault = { id: this.#lastId, fault, scope, active, cleared, clear }
    this.#faults.set(added.id, added)
    return describe(added)
  }

  #fault(id: string | undefined): NumberedFault {
    const fault = this.#faults.get(Number(id))
    if (!fault) throw new RequestError(404, `There is no fault ${id}. It may have been cleared.`)
    return fault
  }

  async #waitForHits(fault: NumberedFault, hits: string | null): Promise<unknown> {
    if (hits !== null) {
      if (!/^[1-9]\d*$/.test(hits))
        throw new RequestError(400, 'reached is not a whole number from 1. Give the number of hits to wait for.')
      await Promise.race([fault.active.reached(Number(hits)), fault.cleared])
    }
    return describe(fault)
  }

  #clear(fault: NumberedFault): void {
    fault.clear()
    this.#faults.delete(fault.id)
  }

  #clearAll(): void {
    for (const fault of this.#faults.values()) this.#clear(fault)
  }
}

const describe = ({ id, fault, scope, active }: NumberedFault): unknown => ({
  id,
  ...fault,
  ...scope,
  hits: active.hits,
})

function clear(list: unknown[]): void {
  list.length = 0
}

type Fields = Readonly<Record<string, unknown>>

/** Returns the fields of a body. Throws if it has others. */
function fieldsOf(body: unknown, ...names: readonly string[]): Fields {
  if (body === undefined) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RequestError(400, `The body is not a JSON object. Its fields are ${names.join(', ')}.`)
  const unknown = Object.keys(body).find(name => !names.includes(name))
  if (unknown !== undefined)
    throw new RequestError(400, `There is no field ${JSON.stringify(unknown)}. The fields are ${names.join(', ')}.`)
  return { ...body }
}

function stringField(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string' || value === '')
    throw new RequestError(400, `The body needs ${name}. Write it as {"${name}":"…"}.`)
  return value
}

const optionalStringField = (fields: Fields, name: string): string | undefined =>
  fields[name] === undefined ? undefined : stringField(fields, name)

function millisField(fields: Fields, name: string): number | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (!isMillis(value))
    throw new RequestError(400, `${name} is ${JSON.stringify(value)}. Set it to a number from 0 to ${MAX_MILLIS}.`)
  return value
}
