// The client of a RedshiftPool.
import { RedshiftPgClient } from '../../.cache/bench/dist/import/index.mjs'
import { aws, config, open } from './target.mjs'

await open(new RedshiftPgClient({ ...config, user: 'IAM:alice', redshift: { aws } }))
