import { isMillis, MAX_MILLIS } from '../../emulator/faults.js'
import type { ActiveFault, RedshiftEmulator } from '../../emulator/index.js'
import { type FaultRequest, faultOf } from './fault.js'
import { RequestError } from './request-error.js'

export interface ControlRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Undefined: it has none. */
  readonly body: unknown
}

/** A fault with the number by which it is cleared. */
interface NumberedFault extends FaultRequest {
  readonly id: number
  readonly active: ActiveFault
  /** Resolves when it is cleared, for those who wait for its hits. */
  readonly cleared: Promise<void>
  clear(): void
}

type Handler = (request: ControlRequest, id: string | undefined) => unknown

/** What can be asked of an emulator from outside: the methods of its API, as paths. */
export class ControlRoutes {
  readonly #emulator: RedshiftEmulator
  readonly #faults = new Map<number, NumberedFault>()
  #lastId = 0

  constructor(emulator: RedshiftEmulator) {
    this.#emulator = emulator
  }

  /** The handlers of each path, by method. `*` is a number. */
  readonly #routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    '/': { GET: () => this.#status() },
    '/faults': {
      GET: () => [...this.#faults.values()].map(shown),
      POST: ({ body }) => this.add(faultOf(body)),
      DELETE: () => this.#clearAll(),
    },
    '/faults/*': {
      GET: ({ query }, id) => this.#reached(this.#fault(id), query.get('reached')),
      DELETE: (_, id) => this.#clear(this.#fault(id)),
    },
    '/calls': { GET: () => this.#emulator.calls, DELETE: () => empty(this.#emulator.calls) },
    '/logins': { GET: () => this.#emulator.logins, DELETE: () => empty(this.#emulator.logins) },
    '/identity': {
      PUT: ({ body }) => {
        this.#emulator.identity = textOf(fieldsOf(body, 'identity'), 'identity')
      },
    },
    '/revoke-logins': { POST: () => this.#emulator.revokeLogins() },
    '/restart': {
      POST: ({ body }) =>
        this.#emulator.restart({ downMillis: millisOf(fieldsOf(body, 'downMillis'), 'downMillis') ?? 0 }),
    },
    '/query': {
      POST: ({ body }) => {
        const fields = fieldsOf(body, 'sql', 'database')
        return this.#emulator.query(textOf(fields, 'sql'), optionalTextOf(fields, 'database'))
      },
    },
  }

  /** The answer as a JSON value; undefined for none. */
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
    return shown(added)
  }

  #fault(id: string | undefined): NumberedFault {
    const fault = this.#faults.get(Number(id))
    if (!fault) throw new RequestError(404, `There is no fault ${id}. It may have been cleared.`)
    return fault
  }

  async #reached(fault: NumberedFault, hits: string | null): Promise<unknown> {
    if (hits !== null) {
      if (!/^[1-9]\d*$/.test(hits))
        throw new RequestError(400, 'reached is the number of hits to wait for, at least 1.')
      await Promise.race([fault.active.reached(Number(hits)), fault.cleared])
    }
    return shown(fault)
  }

  #clear(fault: NumberedFault): void {
    fault.clear()
    this.#faults.delete(fault.id)
  }

  #clearAll(): void {
    for (const fault of this.#faults.values()) this.#clear(fault)
  }
}

const shown = ({ id, fault, scope, active }: NumberedFault): unknown => ({ id, ...fault, ...scope, hits: active.hits })

function empty(list: unknown[]): void {
  list.length = 0
}

type Fields = Readonly<Record<string, unknown>>

/** The fields of a body that has no others than these. */
function fieldsOf(body: unknown, ...names: readonly string[]): Fields {
  if (body === undefined) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RequestError(400, `The body is not a JSON object. Its fields are ${names.join(', ')}.`)
  const unknown = Object.keys(body).find(name => !names.includes(name))
  if (unknown !== undefined)
    throw new RequestError(400, `There is no field ${JSON.stringify(unknown)}. The fields are ${names.join(', ')}.`)
  return { ...body }
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string' || value === '')
    throw new RequestError(400, `The body needs ${name}. Write it as {"${name}":"…"}.`)
  return value
}

const optionalTextOf = (fields: Fields, name: string): string | undefined =>
  fields[name] === undefined ? undefined : textOf(fields, name)

function millisOf(fields: Fields, name: string): number | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (!isMillis(value)) throw new RequestError(400, `${name} is a number from 0 to ${MAX_MILLIS}.`)
  return value
}
