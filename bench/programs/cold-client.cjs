// The client of a RedshiftPool, in CommonJS.
const { RedshiftPgClient } = require('../../.cache/bench/dist/index.cjs')
const { aws, config, open } = require('./target.mjs')

open(new RedshiftPgClient({ ...config, user: 'IAM:alice', redshift: { aws } }))
