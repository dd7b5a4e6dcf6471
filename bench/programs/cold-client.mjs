// What a RedshiftPool makes its connections with.
import { RedshiftPgClient } from '../../.cache/bench/dist/index.js'
import { aws, config, open } from './target.mjs'

await open(new RedshiftPgClient({ ...config, user: 'IAM:alice', redshift: { aws } }))
