import pg from 'pg'
import { redshiftPassword } from '../../.cache/bench/dist/index.js'
import { aws, config, opened } from './target.mjs'

const client = new pg.Client({ ...config, user: 'IAM:alice', password: redshiftPassword({ aws }) })
await client.connect()
opened()
await client.end()
