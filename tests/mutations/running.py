"""Protections of a store that runs: sockets that outlive processes, an orderly end, figures that tell the truth."""

from tests.mutations.mutation import Mutation

MUTATIONS = [
    Mutation(
        rows=("8",),
        removed="the listening sockets that the supervisor keeps while web is started again",
        file="ops/processes/supervisor.py",
        old='ports.handed_over(self.sockets) if child.name == "web" else ({}, ())',
        new="({}, ())",
        test="tests/faults/test_restarts.py::test_kill_9_of_web_refuses_no_connection_they_wait_for_the_next_one",
    ),
    Mutation(
        rows=("1",),
        removed="the orderly end of a process that another one replaces",
        file="ops/processes/restarting.py",
        old="DRAIN = signal.SIGUSR1",
        new="DRAIN = signal.SIGKILL",
        test="tests/flows/test_whole_store.py::test_a_graceful_restart_under_load_fails_no_request_and_loses_no_order",
    ),
    Mutation(
        rows=("24",),
        removed="the difference between an authentic callback and a forged one in the figures",
        file="channels/web/hooks/pay.py",
        old='counted("authentic" if answer.status == 200 else "forged")',
        new='counted("authentic")',
        test="tests/doors/test_operator.py",
    ),
    Mutation(
        rows=("97",),
        removed="doctor's look at what the database server writes into its own log",
        file="ops/doctor/server.py",
        old='    if logs and found["log_parameter_max_length"] != "0":',
        new="    if False:",
        test="tests/doors/command_line/test_doctor_engines.py"
        "::test_statements_in_the_servers_log_must_not_carry_what_people_sent",
    ),
]
