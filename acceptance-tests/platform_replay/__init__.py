"""A model of the Airbyte platform: what it does with the output of a source, from attempt to attempt and job to job.

| module | what it stands for |
|---|---|
| `catalog` | the connection's catalog as a source gets it: generations, sync id, deselected fields |
| `tracker` | the bookkeeping of one attempt, by message: counts, statuses, heartbeat, what goes on |
| `warehouse` | a destination that supports refreshes: rows by generation, a STATE acknowledged when its rows are safe |
| `connection` | what stays between attempts and jobs: committed states, generations, the persisted config |
| `attempt` | one attempt on a real connector, as a script or as a container |
| `rules` | what any attempt must keep, whatever it went through: functions that return problems |
| `jobs` | the jobs that a connector is put through |
| `judgements` | what the jobs must have led to |
| `checks` | the table of all checks: name, promise, judgement |

`python -m platform_replay --connector closeio` prints the table with results. The facts are those of
airbytehq/airbyte-platform as of 2026-08-21, and each module names the files.
"""
