import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { gatewayStream } from '../../lib/emulator/gateway/gateway-stream.js'
import type { EmulatedLogin, EmulatorOptions, EmulatorPoolConfig, Fault } from '../../lib/emulator/index.js'
import type { overTls } from './https.js'

export type Query =
  | { kind: 'start'; options: EmulatorOptions }
  | { kind: 'calls' | 'logins' | 'connections' | 'forget' | 'https'; number: number }
  | { kind: 'fail'; number: number; fault: Fault }
  | { kind: 'distance'; number: number; roundTripMillis: number }
  | { kind: 'close' }

/** The addresses of a started emulator. */
export interface Started {
  readonly number: number
  readonly host: string
  readonly port: number
  readonly database: string
  readonly ca: string
  readonly aws: {
    readonly endpoint: string
    readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  }
}

export interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** An emulator in the other process. */
export class RemoteEmulator {
  readonly started: Started
  readonly #ask: (query: Query) => Promise<unknown>

  constructor(started: Started, ask: (query: Query) => Promise<unknown>) {
    this.started = started
    this.#ask = ask
  }

  get aws(): Started['aws'] {
    return this.started.aws
  }

  /** A pg configuration that connects to it and verifies TLS. */
  poolConfig(): EmulatorPoolConfig {
    const { host, port, database, ca } = this.started
    return { host, port, database, ssl: { ca }, stream: gatewayStream(port) }
  }

  /** A port that connects to it with this round-trip time. */
  async atDistance(roundTripMillis: number): Promise<number> {
    return (await this.#ask({ kind: 'distance', number: this.started.number, roundTripMillis })) as number
  }

  /** The AWS configuration for an endpoint with TLS, like AWS's own. It can be serialized as JSON. */
  async overTls() {
    const { endpoint, ca } = (await this.#ask({ kind: 'https', number: this.started.number })) as Awaited<
      ReturnType<typeof overTls>
    >
    return { ...this.aws, endpoint, requestHandler: { httpsAgent: { ca } } }
  }

  fail(fault: Fault): Promise<unknown> {
    return this.#ask({ kind: 'fail', number: this.started.number, fault })
  }

  async calls(): Promise<number> {
    return (await this.#ask({ kind: 'calls', number: this.started.number })) as number
  }

  async logins(): Promise<EmulatedLogin[]> {
    return (await this.#ask({ kind: 'logins', number: this.started.number })) as EmulatedLogin[]
  }

  /** Empties the lists of calls and logins. */
  async forget(): Promise<void> {
    await this.#ask({ kind: 'forget', number: this.started.number })
  }

  /** Waits until every database connection is closed. */
  async quiet(): Promise<void> {
    while (((await this.#ask({ kind: 'connections', number: this.started.number })) as number) > 0)
      await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Emulators in another process, which share one PostgreSQL server. */
export interface Emulators extends AsyncDisposable {
  start(options?: EmulatorOptions): Promise<RemoteEmulator>
}

export async function startEmulators(): Promise<Emulators> {
  const file = fileURLToPath(new URL('./emulator-process.ts', import.meta.url))
  const child = fork(file, { execArgv: ['--import', 'tsx'] })
  const ask = asker(child)
  await once(child, 'message')
  return {
    start: async (options = {}) => new RemoteEmulator((await ask({ kind: 'start', options })) as Started, ask),
    [Symbol.asyncDispose]: async () => {
      await ask({ kind: 'close' })
      child.disconnect()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

function asker(child: ChildProcess): (query: Query) => Promise<unknown> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let last = 0
  child.on('message', ({ id, value, error }: Reply) => {
    const caller = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) caller?.resolve(value)
    else caller?.reject(new Error(error))
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('The process of the emulators has exited.'))
  })
  return query =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      child.send({ id, query })
    })
}
