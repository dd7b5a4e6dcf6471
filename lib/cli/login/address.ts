import { Socket } from 'node:net'
import type { RedshiftCredentials } from '../../index.js'

export interface Address {
  readonly host: string
  readonly port: number
}

/** A socket that goes nowhere: it keeps the address that it is told to connect to. */
class AddressTaker extends Socket {
  wanted: Address | undefined

  override connect(...[port, host]: unknown[]): this {
    this.wanted = { host: String(host), port: Number(port) }
    return this.destroy(new Error('Only the address was wanted.'))
  }
}

/**
 * Where the library's client would connect to: the address as given, or as AWS knows it. Nothing is connected.
 * @throws RedshiftCredentialsError of the look-up
 */
export async function addressOf(redshift: RedshiftCredentials, database: string): Promise<Address> {
  const { RedshiftPgClient } = await import('../../index.js')
  const socket = new AddressTaker()
  const client = new RedshiftPgClient({ redshift, database, ssl: true, stream: () => socket })
  client.on('error', () => {})
  const stopped = await client.connect().catch((error: unknown) => error)
  if (!socket.wanted) throw stopped
  return socket.wanted
}
