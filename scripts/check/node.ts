import { EXPECTED, SAME, SAME_EXPECTED, writePrograms } from './program.js'
import { expectOutput, Project, type Row } from './project.js'

export const node: readonly Row[] = [
  {
    name: 'node',
    async run(setting) {
      const project = new Project(setting, 'node')
      await project.install('pg')
      for (const file of writePrograms(project)) expectOutput(await project.node('--throw-deprecation', file), EXPECTED)
      project.write('same.mjs', SAME)
      expectOutput(await project.node('same.mjs'), SAME_EXPECTED)
    },
  },
]
