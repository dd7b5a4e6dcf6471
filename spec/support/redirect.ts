/**
 * Preloaded into the examples' processes (`node --import`): a TCP connection to a Redshift host's port 5439 goes to the emulator's
 * gateway, so that an example is exactly what a user writes. Only the destination changes: TLS still uses the host's
 * name, and verifies it.
 */
import { Socket } from 'node:net'

interface Destination {
  port?: unknown
  host?: unknown
}

const [gatewayHost, gatewayPort] = (process.env.REDSHIFT_EMULATOR_GATEWAY ?? '').split(':')
const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket

/** The common form of the arguments of `connect`: `(options)`, `(port, host)`, and the array that `net.connect` makes of either. */
function destination([first, second]: unknown[]): Destination {
  if (Array.isArray(first)) return destination(first)
  return typeof first === 'object' && first !== null ? first : { port: first, host: second }
}

Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const { port, host } = destination(args)
  const redshift = Number(port) === 5439 && typeof host === 'string' && /\.amazonaws\.com(\.cn)?$/.test(host)
  if (!redshift) return connect.apply(this, args)
  const callback = args.flat().find(argument => typeof argument === 'function')
  return connect.call(this, { host: gatewayHost, port: Number(gatewayPort) }, callback)
}
