import pg from 'pg'
import type { RemoteEmulator } from './emulators.js'

/** pg's `password` function. */
export type PasswordFunction = (connection?: object) => Promise<string>

/** One opened connection. */
export interface Opening {
  /** When it began, in milliseconds since the start. */
  readonly at: number
  readonly millis: number
}

/** A way to get a password, and its results. */
export class Contestant {
  readonly openings: Opening[] = []
  /** How many connections waited for AWS, because the password was not available at once. */
  waited = 0
  failed = 0
  readonly name: string
  readonly emulator: RemoteEmulator
  readonly user: string
  readonly #password: PasswordFunction

  constructor(name: string, emulator: RemoteEmulator, user: string, password: PasswordFunction) {
    this.name = name
    this.emulator = emulator
    this.user = user
    this.#password = password
  }

  async open(start: number, counted: boolean): Promise<void> {
    const client = new pg.Client({
      ...this.emulator.poolConfig(),
      user: this.user,
      password: (connection: object) => this.#watched(connection, counted),
    } as pg.ClientConfig)
    client.on('error', () => {})
    const began = performance.now()
    try {
      await client.connect()
      if (counted) this.openings.push({ at: began - start, millis: performance.now() - began })
    } catch {
      if (counted) this.failed++
    } finally {
      await client.end()
    }
  }

  #watched(connection: object, counted: boolean): Promise<string> {
    const password = this.#password(connection)
    let settled = false
    const note = (): void => {
      settled = true
    }
    password.then(note, note)
    // A password that needs no call to AWS settles before the next turn of the event loop.
    setImmediate(() => {
      if (!settled && counted) this.waited++
    })
    return password
  }
}
