// A password that never changes: nothing to fetch, no SDK to load.
import pg from 'pg'
import { config, opened, password, user } from './target.mjs'

const client = new pg.Client({ ...config, user, password })
await client.connect()
opened()
await client.end()
