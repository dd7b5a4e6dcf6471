import type pg from 'pg'

/** A query for the user that a session has logged in as. */
export const CURRENT_USER = 'SELECT session_user::text AS name'

/** Connects a client, ends it, and returns the user that it logged in as. */
export async function userOfClient(client: pg.Client): Promise<unknown> {
  try {
    await client.connect()
    return (await client.query(CURRENT_USER)).rows[0].name
  } finally {
    await client.end()
  }
}

/** Queries a pool, ends it, and returns the user that it logged in as. */
export async function userOfPool(pool: pg.Pool): Promise<unknown> {
  try {
    return (await pool.query(CURRENT_USER)).rows[0].name
  } finally {
    await pool.end()
  }
}
