// A fixed password: nothing to fetch, no SDK to load.
import pg from 'pg'
import { config, open, password, user } from './target.mjs'

await open(new pg.Client({ ...config, user, password }))
