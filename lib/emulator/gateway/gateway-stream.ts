import { Socket } from 'node:net'
import type { EmulatorStream } from '../redshift-emulator.js'

/** pg's `stream` option: a socket that connects to the gateway and ignores the configured host, port or path. */
export function gatewayStream(port: number): EmulatorStream {
  return () => new GatewaySocket(port)
}

class GatewaySocket extends Socket {
  readonly #port: number

  constructor(port: number) {
    super()
    this.#port = port
  }

  override connect(): this {
    return super.connect({ host: '127.0.0.1', port: this.#port })
  }
}
