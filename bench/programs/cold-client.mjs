// What a RedshiftPool makes its connections with.
import { RedshiftPgClient } from '../../.cache/bench/dist/index.js'
import { aws, config, opened } from './target.mjs'

const client = new RedshiftPgClient({ ...config, user: 'IAM:alice', redshift: { aws } })
await client.connect()
opened()
await client.end()
