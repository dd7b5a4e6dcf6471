import type { Duplex, Transform } from 'node:stream'

/** Streams that change what a relay forwards. */
export interface Filters {
  readonly toServer: Transform
  readonly toClient: Transform
}

/** Connects a client with its session until both have ended. Either side may close its half first; an error on one side ends the other. */
export function relay(client: Duplex, session: Duplex, filters?: Filters): void {
  const end = () => {
    client.destroy()
    session.destroy()
  }
  for (const stream of [client, session, filters?.toServer, filters?.toClient]) stream?.on('error', end)
  for (const side of [client, session]) {
    side.on('close', () => {
      // Data that has arrived is still forwarded: the last message says why the server ended the session.
      if (!side.readableEnded) end()
    })
  }
  if (filters) {
    client.pipe(filters.toServer).pipe(session)
    session.pipe(filters.toClient).pipe(client)
  } else {
    client.pipe(session)
    session.pipe(client)
  }
}
