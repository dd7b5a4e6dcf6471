// What a RedshiftPool makes its connections with.
import { RedshiftPgClient } from '../../.cache/bench/dist/import/index.mjs'
import { aws, config, open } from './target.mjs'

await open(new RedshiftPgClient({ ...config, user: 'IAM:alice', redshift: { aws } }))
