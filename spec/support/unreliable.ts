import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** The faults so far. */
interface Faults {
  delayed: number
  stalled: number
  reset: number
  garbled: number
}

/** A TCP proxy for a store that can be made unreliable: it delays, stalls, resets connections and corrupts stored values. */
export class UnreliableProxy {
  readonly faults: Faults = { delayed: 0, stalled: 0, reset: 0, garbled: 0 }
  unreliable = false
  readonly #server: Server
  readonly #target: number
  readonly #sockets = new Set<Socket>()

  readonly #random: () => number

  private constructor(target: number, random: () => number) {
    this.#target = target
    this.#random = random
    this.#server = createServer(socket => this.#relay(socket))
  }

  static async start(target: number, random: () => number = Math.random): Promise<UnreliableProxy> {
    const proxy = new UnreliableProxy(target, random)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    if (typeof address !== 'object' || !address) throw new Error('A listening server has an address.')
    return address.port
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  #relay(client: Socket): void {
    const store = connect(this.#target, '127.0.0.1')
    const ends = [client, store]
    for (const socket of ends) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const end of ends) end.destroy()
      })
    }
    this.#pass(client, store, chunk => chunk)
    this.#pass(store, client, chunk => this.#garble(chunk))
  }

  #pass(from: Socket, to: Socket, change: (chunk: Buffer) => Buffer): void {
    // One after another, to keep the order.
    let last = Promise.resolve()
    from.on('data', chunk => {
      last = last.then(() => this.#hinder(from)).then(() => void to.write(change(chunk)))
    })
  }

  async #hinder(socket: Socket): Promise<void> {
    if (!this.unreliable) return
    const draw = this.#random()
    if (draw < 0.03) {
      this.faults.reset++
      socket.resetAndDestroy()
      return
    }
    const stalled = draw < 0.08
    this.faults[stalled ? 'stalled' : 'delayed']++
    await new Promise(resolve => setTimeout(resolve, stalled ? 400 + this.#random() * 2_000 : this.#random() * 60))
  }

  /** Replaces an encrypted value by another of the same length: a broken protocol would only test the client. */
  #garble(chunk: Buffer): Buffer {
    if (!this.unreliable || this.#random() < 0.7) return chunk
    const text = chunk.toString('latin1')
    const garbled = text.replace(/v1\.[\w-]{40}/, sealed => [...sealed.slice(3)].reverse().join('').padStart(43, 'v1.'))
    if (garbled !== text) this.faults.garbled++
    return Buffer.from(garbled, 'latin1')
  }
}
