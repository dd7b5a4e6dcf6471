import type { Duplex, Transform } from 'node:stream'

/** What a relay does to the bytes on their way; undefined leaves them as they are. */
export interface Filters {
  readonly toServer: Transform
  readonly toClient: Transform
}

/**
 * Joins a client with its session until both have said all they had to say. Either side may close its half first; an error on one
 * side ends the other.
 */
export function relay(client: Duplex, session: Duplex, filters?: Filters): void {
  const end = () => {
    client.destroy()
    session.destroy()
  }
  for (const stream of [client, session, filters?.toServer, filters?.toClient]) stream?.on('error', end)
  for (const side of [client, session]) {
    side.on('close', () => {
      // What has arrived still goes out: the server's last words say why it ends the session.
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
