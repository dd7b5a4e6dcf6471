import { once } from 'node:events'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { listen } from '../listen.js'
import type { Settings } from '../settings.js'

/** Like PostgreSQL's authentication_timeout: a client that does not log in by then is disconnected. */
const authenticationTimeoutMillis = 60_000

/** Waits for something without the authentication timeout, because the client cannot go on meanwhile. */
export type WaitUntimed = <T>(wait: Promise<T>) => Promise<T>

/** What the gateway does with a connection. */
type Admit = (socket: Socket, waitUntimed: WaitUntimed) => Promise<void>

/** The server that database clients connect to. It keeps its port over restarts. */
export class Gateway {
  readonly #listener: NetServer
  readonly #sockets = new Set<Socket>()
  readonly #address: string
  #port: number
  readonly #closing = new AbortController()
  #restarted: Promise<void> = Promise.resolve()

  /** `admit` resolves when a client has its session, or was refused. */
  constructor({ port, listenAddress }: Pick<Settings, 'port' | 'listenAddress'>, admit: Admit) {
    this.#address = listenAddress
    this.#port = port
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, socket => this.#accept(socket, admit))
  }

  get port(): number {
    return this.#port
  }

  get connections(): number {
    return this.#sockets.size
  }

  async listen(): Promise<void> {
    this.#port = await listen(this.#listener, this.#address, this.#port)
  }

  /** Several restarts run one after the other. */
  restart(downMillis: number): Promise<void> {
    const restart = async (): Promise<void> => {
      if (this.#closing.signal.aborted) return
      await this.#stop()
      await this.#wait(downMillis)
      await this.#listenAgain()
    }
    // Each reports its own failure only.
    this.#restarted = this.#restarted.then(restart, restart)
    return this.#restarted
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#stop()
  }

  /** Ends early if the gateway is closed. */
  async #wait(millis: number): Promise<void> {
    await delay(millis, undefined, { signal: this.#closing.signal }).catch(() => {})
  }

  async #stop(): Promise<void> {
    const closed = this.#listener.listening ? once(this.#listener, 'close') : undefined
    if (closed) this.#listener.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Retries, because an outgoing connection of another program may occupy the port for a moment. */
  async #listenAgain(): Promise<void> {
    for (let attempt = 1; !this.#closing.signal.aborted; attempt += 1) {
      try {
        return await this.listen()
      } catch (error) {
        if (attempt === 50) throw error
        await this.#wait(100)
      }
    }
  }

  #accept(socket: Socket, admit: Admit): void {
    this.#sockets.add(socket)
    // The emulator does not keep the process alive.
    socket.unref()
    socket.on('error', () => socket.destroy())
    let timeout: NodeJS.Timeout | undefined
    const start = (): void => {
      timeout = setTimeout(() => socket.destroy(), authenticationTimeoutMillis).unref()
    }
    const waitUntimed: WaitUntimed = async wait => {
      clearTimeout(timeout)
      const result = await wait
      if (!socket.closed) start()
      return result
    }
    start()
    socket.once('close', () => {
      clearTimeout(timeout)
      this.#sockets.delete(socket)
    })
    admit(socket, waitUntimed).then(
      () => clearTimeout(timeout),
      () => socket.destroy(),
    )
  }
}
