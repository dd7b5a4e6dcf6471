import pg from 'pg'
import { redshiftPassword } from '../../.cache/bench/dist/import/index.mjs'
import { aws, config, open } from './target.mjs'

await open(new pg.Client({ ...config, user: 'IAM:alice', password: redshiftPassword({ aws }) }))
