import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { compiled } from './compiled.js'
import type { StoreClient } from './engines.js'
import type { FleetOrder, FleetReport, FleetSetUp } from './fleet-process.js'

// One key for all fleets of a run, as in production.
const encryptionKey = randomBytes(32).toString('base64')

/**
 * Bundles the packages: twenty processes that read hundreds of files would keep a small machine busy for a long time. The SDK for
 * Redshift stays external: only the owner of a claim should load it.
 */
const program = (): string =>
  compiled('spec/support/fleet-process.ts', {
    splitting: true,
    external: ['@aws-sdk/client-redshift*', '@valkey/*', 'pg-native', 'pg-cloudflare'],
    // For packages that are CommonJS.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })

/** One process of a fleet. */
export class FleetMember {
  readonly accessKeyId: string
  readonly #child: ChildProcess
  readonly #end: Promise<never>

  constructor(child: ChildProcess, accessKeyId: string) {
    this.#child = child
    this.#end = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`A process of the fleet ended with ${signal ?? code}.`)
    })
    this.#end.catch(() => {})
    this.accessKeyId = accessKeyId
  }

  /** Resolves when it is ready. */
  async setUp(setUp: FleetSetUp): Promise<void> {
    await this.#send(setUp)
  }

  /** Resolves when the order has been carried out. */
  async order(order: FleetOrder): Promise<FleetReport> {
    return (await this.#send(order)) as FleetReport
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async kill(): Promise<void> {
    if (!this.alive) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  async #send(message: FleetSetUp | FleetOrder): Promise<unknown> {
    this.#child.send(message)
    const replied = new AbortController()
    try {
      const [reply] = await Promise.race([once(this.#child, 'message', { signal: replied.signal }), this.#end])
      return reply
    } finally {
      replied.abort()
    }
  }
}

/** The set-up of a fleet. */
export interface FleetOptions {
  readonly size: number
  readonly emulator: RedshiftEmulator
  /** Where the store is, and the packages that connect to it, in turn. Without it, there is no store. */
  readonly store?: { readonly url: string; readonly clients: readonly StoreClient[] } | undefined
  readonly askMillis?: number
  readonly connectMillis?: number
}

/** Real processes that share logins, each with its own AWS access key, so that the emulator can tell them apart. */
export class ProcessFleet {
  readonly members: readonly FleetMember[]

  private constructor(members: readonly FleetMember[]) {
    this.members = members
  }

  /** Starts the processes, and resolves when all of them are ready. They wait for orders. */
  static async start(options: FleetOptions): Promise<ProcessFleet> {
    const { size, emulator, store, askMillis = 20, connectMillis = 1_000 } = options
    const file = program()
    const { ssl, host, port, database } = emulator.poolConfig()
    const fleet = new ProcessFleet(
      Array.from({ length: size }, (_, index) => {
        const env = { PATH: process.env.PATH, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
        return new FleetMember(fork(file, { env, execArgv: [] }), `AKIAFLEET${String(index).padStart(11, '0')}`)
      }),
    )
    const ready = fleet.members.map(({ accessKeyId }, index) => {
      const { endpoint, credentials } = emulator.aws
      const by = store?.clients[index % store.clients.length]
      return fleet.members[index]?.setUp({
        store: store && by && { by, url: store.url },
        encryptionKey,
        aws: { endpoint, credentials: { ...credentials, accessKeyId } },
        connection: { host, port, database, ca: ssl.ca },
        gatewayPort: emulator.address.port,
        askMillis,
        connectMillis,
      })
    })
    await Promise.all(ready)
    return fleet
  }

  /** Sends an order to all live processes at once, and resolves when all have carried it out. */
  order(order: FleetOrder): Promise<FleetReport[]> {
    return Promise.all(this.members.filter(({ alive }) => alive).map(member => member.order(order)))
  }

  /** For clean-up if a spec fails half-way. */
  async kill(): Promise<void> {
    await Promise.all(this.members.map(member => member.kill()))
  }
}
