"""What the numbers in the rows of a device stand for (essl-protocol §6.4, sources-protocols §2.3)."""

from __future__ import annotations

from biometric_integration.core.punch import Direction

STATUS = {
	"0": Direction.IN,
	"1": Direction.OUT,
	"2": Direction.OUT,
	"3": Direction.IN,
	"4": Direction.IN,
	"5": Direction.OUT,
}
"""The key that was pressed: check, break, overtime. 255 and all else say nothing. Most sites send 0 for all, so it is no more than what was reported."""

IN_OR_OUT = {"0": Direction.IN, "1": Direction.OUT}
"""`inoutstatus` of an access device: which reader of the door."""

VERIFIED_BY = {
	"1": "Finger",
	"2": "PIN",
	"3": "Password",
	"4": "Card",
	"15": "Face",
	**{str(code): "Combination" for code in range(5, 15)},
	**{str(code): "Face" for code in range(16, 21)},
	**{str(code): "Finger Vein" for code in range(21, 25)},
	**{str(code): "Palm" for code in range(25, 30)},
	"200": "Other",
}
"""Any other number is not shown: 0 is a password on some firmware, and anything on other."""

GRANTED = frozenset(
	[
		*range(0, 6),  # opened after a person was verified; also the first, several together, in passage mode
		*range(14, 20),  # the same by finger
		203,  # several persons by finger
		207,  # by password
		208,  # by a superuser
		*range(4000, 5000),  # "normal" on newer firmware
	]
)
"""Events of `rtlog` in which a person was let through. 6 to 13 are what the panel does by itself, 20 to 99 people who were refused, the rest doors and alarms."""

NOBODY = ("", "0")
"""The `pin` of what a device tells about itself."""

RECORDS_OF_THE_DEVICE = (
	"OPLOG",
	"USER PIN=",
	"FP PIN=",
	"FACE PIN=",
	"BIODATA ",
	"BIOPHOTO ",
	"USERPIC ",
	"NEW USER",
)
"""How a row begins that is no punch, whatever table it came in: operations, people, templates, pictures."""
